export { createIotCore, type IotCoreOptions } from './iotCore';
export type { Registry } from './registry';
export type { ActionInput, RuleTargets } from './rules/actions';
export type { RuleInput } from './rules';
export type {
  ConnectivityInfo,
  DeviceCall,
  DeviceService,
  Discovery,
  DiscoveryResponse,
  IotCore,
} from './types';
