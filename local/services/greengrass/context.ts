import type { Logger } from 'pino';
import type { CloudContext } from '../../base/context';
import type { ServiceEvent } from '../eventBridge';
import type { IotCore } from '../iotCore';
import type { GreengrassArns } from './arns';
import type { ComponentStore } from './components/store';
import type { CoreDevices } from './coreDevices/store';
import type { DeploymentStore } from './deployments/store';
import type { RequestTokens } from './requestTokens';
import type { GreengrassState } from './state';

/** What the parts of Greengrass V2 share. */
export interface GreengrassContext {
  readonly cloud: CloudContext;
  readonly iotCore: IotCore;
  readonly log: Logger;
  readonly arns: GreengrassArns;
  /** Where cores listen, and which client devices belong to them. */
  readonly state: GreengrassState;
  readonly components: ComponentStore;
  readonly deployments: DeploymentStore;
  readonly cores: CoreDevices;
  readonly tokens: RequestTokens;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs what goes on after the answer; a failure is logged. */
  later(work: () => Promise<void>): void;
  /** Throws AwsError NoSuchBucket, NoSuchKey. */
  readObject(bucket: string, key: string): Promise<Buffer>;
  putEvent(event: ServiceEvent): void;
}
