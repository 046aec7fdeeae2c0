import type {
  Core,
  Device,
  Function as V1Function,
  FunctionDefaultConfig,
  Logger,
  Resource,
  Subscription,
} from '@aws-sdk/client-greengrass';

/** What the versions of a group's definitions hold. */
export interface GroupContent {
  cores: Core[];
  devices: Device[];
  functions: V1Function[];
  subscriptions: Subscription[];
  resources: Resource[];
  loggers: Logger[];
}

export type ContentKind = keyof GroupContent;

export type { Core, Device, FunctionDefaultConfig, Logger, Resource, Subscription, V1Function };
