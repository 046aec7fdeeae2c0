import type { CloudContext } from '../context';
import type { IotCore } from '../iotCore';
import type { GreengrassState } from './state';

/** What the parts of Greengrass share. */
export interface GreengrassContext {
  readonly cloud: CloudContext;
  readonly iotCore: IotCore;
  readonly state: GreengrassState;
}
