import type { V1SystemFunction } from '../../../protocol/greengrassV1';

export interface GreengrassSettings {
  corePrefix: string;
  devicePrefix: string;
  /** `arn:aws:iot:<region>:<account>:thing/` */
  thingArnPrefix: string;
  /** HTTP API of the service, for the system functions on the core. */
  httpUrl: string;
  /** What the group logs where nobody set anything; left out, the group gets no logger definition. */
  logging?: { level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL'; spaceKb: number };
}

/** Qualified ARNs: Greengrass V1 takes versions and aliases only. */
export type SystemFunctionArns = Record<V1SystemFunction, string>;
