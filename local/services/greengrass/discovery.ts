import type { Discovery } from '../iotCore';
import type { GreengrassContext } from './context';

/**
 * Discovery as Greengrass V2 answers it: one group per core that the device is associated with. The
 * authority is that of the local cloud, which signs the cores' server certificates.
 */
export function discoveryOf({ state, iotCore }: GreengrassContext): Discovery {
  return (thingName) => {
    const cores = state.coresOf(thingName);
    if (cores.length === 0) return undefined;
    return {
      GGGroups: cores.map((core) => ({
        GGGroupId: `greengrassV2-coreDevice-${core.thingName}`,
        Cores: [{ thingArn: iotCore.arns.of('thing', core.thingName), Connectivity: core.connectivity }],
        CAs: [iotCore.caPem],
      })),
    };
  };
}
