import { join } from 'node:path';
import type { Logger } from 'pino';
import type { CloudContext } from '../../base/context';
import { routesOf } from '../../base/rest/service';
import type { ServiceEvent } from '../eventBridge';
import type { IotCore } from '../iotCore';
import { resourceArns, type ResourceArns } from './arns';
import { openComponentStore, type ComponentStore } from './components/store';
import { openCoreDeviceStore, type CoreDeviceStore } from './coreDevices/store';
import { openDeploymentStore, type DeploymentStore } from './deployments/store';
import { openDiscoveryState, openRequestTokens, type DiscoveryState, type RequestTokens } from './state';

/** A route of the service: `route(operation, line, resources, handle)`. */
export const route = routesOf('greengrass');

export interface GreengrassOptions {
  /** Reads artifacts. Throws AwsError NoSuchBucket, NoSuchKey. */
  readObject: (bucket: string, key: string) => Promise<Buffer>;
  /** The default event bus. */
  putEvent: (event: ServiceEvent) => void;
  /** Whether this request gets a ThrottlingException: a test throttles with it. */
  throttle?: (operation: string) => boolean;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** What the parts of the service share. */
export interface GreengrassContext {
  readonly cloud: CloudContext;
  readonly iotCore: IotCore;
  readonly log: Logger;
  readonly arns: ResourceArns;
  /** Where cores listen, and which client devices belong to them. */
  readonly discovery: DiscoveryState;
  readonly components: ComponentStore;
  readonly deployments: DeploymentStore;
  readonly cores: CoreDeviceStore;
  readonly tokens: RequestTokens;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Runs what goes on after the answer; a failure is logged. */
  later: (work: () => Promise<void>) => void;
  readObject: GreengrassOptions['readObject'];
  putEvent: GreengrassOptions['putEvent'];
}

export function openContext(
  cloud: CloudContext,
  iotCore: IotCore,
  { readObject, putEvent, now = Date.now }: GreengrassOptions,
): GreengrassContext {
  const dir = join(cloud.stateDir, 'greengrass');
  const log = cloud.log.child({ service: 'greengrass' });
  return {
    ...{ cloud, iotCore, log, now, readObject, putEvent },
    arns: resourceArns(cloud),
    discovery: openDiscoveryState(dir),
    components: openComponentStore(join(dir, 'components')),
    deployments: openDeploymentStore(dir),
    cores: openCoreDeviceStore(join(dir, 'coreDevices')),
    tokens: openRequestTokens(join(dir, 'requestTokens.json'), now),
    later: (work) => {
      work().catch((error: unknown) => {
        log.error({ err: error }, 'greengrass failed');
      });
    },
  };
}
