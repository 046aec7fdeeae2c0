import { z } from 'zod';
import type { RestCall, RestRoute } from '../../base/rest/service';
import type { Discovery } from '../iotCore';
import { route, type GreengrassContext } from './context';
import { pageFor, readInput, seconds } from './input';

const connectivitySchema = z.strictObject({
  ConnectivityInfo: z.array(
    z.strictObject({
      Id: z.string(),
      HostAddress: z.string(),
      PortNumber: z.int().min(0).max(65_535).optional(),
      Metadata: z.string().optional(),
    }),
  ),
});

/** Where a core's client devices can reach it. */
export function connectivityRoutes({ discovery, iotCore, cloud }: GreengrassContext): RestRoute[] {
  const path = '/greengrass/things/{thingName}/connectivityInfo' as const;
  const thingOf = (call: RestCall): string => call.param('thingName');
  const resource = (call: RestCall): string =>
    `arn:aws:greengrass:${cloud.region}:${cloud.account}:${path.replace('{thingName}', thingOf(call))}`;
  const conditions = {
    conditions: (call: RestCall) => iotCore.credentialVariables(call.principal.accessKeyId),
  };
  return [
    route(
      'GetConnectivityInfo',
      `GET ${path}`,
      resource,
      (call) => {
        iotCore.registry.things.describe(thingOf(call));
        return { ConnectivityInfo: discovery.core(thingOf(call))?.connectivity ?? [] };
      },
      conditions,
    ),
    route(
      'UpdateConnectivityInfo',
      `PUT ${path}`,
      resource,
      (call) => {
        iotCore.registry.things.describe(thingOf(call));
        const { ConnectivityInfo } = readInput(call, connectivitySchema);
        const core = discovery.coreOrNew(thingOf(call));
        core.connectivity = ConnectivityInfo.map(({ PortNumber = 8883, Metadata = '', ...one }) => ({
          PortNumber,
          Metadata,
          ...one,
        }));
        core.connectivityVersion += 1;
        discovery.save();
        return { Version: String(core.connectivityVersion), Message: 'Connectivity Info Updated' };
      },
      conditions,
    ),
  ];
}

const entriesSchema = z.strictObject({
  entries: z
    .array(z.strictObject({ thingName: z.string() }))
    .min(1)
    .max(100)
    .default([]),
});

/** Which client devices may discover a core. */
export function clientDeviceRoutes({ discovery, iotCore, arns }: GreengrassContext): RestRoute[] {
  const path = '/greengrass/v2/coreDevices/{coreDeviceThingName}' as const;
  const coreOf = (call: RestCall): string => call.param('coreDeviceThingName');
  const resource = (call: RestCall): string => arns.coreDevice(coreOf(call));
  const requireCore = (call: RestCall): string => iotCore.registry.things.describe(coreOf(call)).thingName;
  const namesOf = (call: RestCall): string[] =>
    readInput(call, entriesSchema).entries.map(({ thingName }) => thingName);
  const errorEntries = (names: readonly string[], message: string) => ({
    errorEntries: names.map((thingName) => ({ thingName, code: 'ResourceNotFoundException', message })),
  });
  return [
    route(
      'BatchAssociateClientDeviceWithCoreDevice',
      `POST ${path}/associateClientDevices`,
      resource,
      (call) => {
        const core = discovery.coreOrNew(requireCore(call));
        const names = namesOf(call);
        const missing = names.filter((name) => !iotCore.registry.things.has(name));
        for (const name of names) {
          if (!missing.includes(name)) core.devices[name] ??= Date.now();
        }
        discovery.save();
        return errorEntries(missing, 'Thing does not exist');
      },
    ),
    route(
      'BatchDisassociateClientDeviceFromCoreDevice',
      `POST ${path}/disassociateClientDevices`,
      resource,
      (call) => {
        const core = discovery.coreOrNew(requireCore(call));
        const names = namesOf(call);
        const missing = names.filter((name) => !Object.hasOwn(core.devices, name));
        for (const name of names) Reflect.deleteProperty(core.devices, name);
        discovery.save();
        return errorEntries(missing, 'Not associated with this core');
      },
    ),
    route(
      'ListClientDevicesAssociatedWithCoreDevice',
      `GET ${path}/associatedClientDevices`,
      resource,
      (call) => {
        const devices = Object.entries(discovery.core(requireCore(call))?.devices ?? {});
        const page = pageFor(devices, call);
        const associatedClientDevices = page.items.map(([thingName, at]) => ({
          thingName,
          associationTimestamp: seconds(at),
        }));
        return { associatedClientDevices, nextToken: page.next };
      },
    ),
  ];
}

/**
 * Discovery as Greengrass V2 answers it: one group per core that the device is associated with. The
 * authority is that of the local cloud, which signs the cores' server certificates.
 */
export function discoveryOf({ discovery, iotCore }: GreengrassContext): Discovery {
  return (thingName) => {
    const cores = discovery.coresOf(thingName);
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
