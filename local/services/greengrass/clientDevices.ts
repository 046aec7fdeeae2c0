import { z } from 'zod';
import { pageOf, readJsonBody } from '../../base/rest/input';
import type { RestCall, RestPermission, RestRoute } from '../../base/rest/service';
import type { GreengrassContext } from './context';

const entriesSchema = z.strictObject({
  entries: z
    .array(z.strictObject({ thingName: z.string() }))
    .min(1)
    .max(100)
    .default([]),
});

interface ErrorEntry {
  thingName: string;
  code: string;
  message: string;
}

const CORE = '/greengrass/v2/coreDevices/{coreDeviceThingName}';

/** Which client devices may discover a core. */
export function clientDeviceRoutes({ state, iotCore, cloud }: GreengrassContext): RestRoute[] {
  const coreOf = (call: RestCall): string => call.params.coreDeviceThingName ?? '';
  const permissions =
    (action: string) =>
    (call: RestCall): RestPermission[] => {
      const resource = `arn:aws:greengrass:${cloud.region}:${cloud.account}:coreDevices:${coreOf(call)}`;
      return [{ action: `greengrass:${action}`, resource }];
    };
  const requireCore = (call: RestCall): string => iotCore.registry.things.describe(coreOf(call)).thingName;
  const entriesOf = (call: RestCall): string[] =>
    readJsonBody(call.body, entriesSchema, 'ValidationException').entries.map(({ thingName }) => thingName);

  return [
    {
      operation: 'BatchAssociateClientDeviceWithCoreDevice',
      method: 'POST',
      path: `${CORE}/associateClientDevices`,
      permissions: permissions('BatchAssociateClientDeviceWithCoreDevice'),
      handle(call) {
        const core = state.coreOrNew(requireCore(call));
        const names = entriesOf(call);
        const missing = names.filter((name) => !iotCore.registry.things.has(name));
        for (const name of names) {
          if (!missing.includes(name)) core.devices[name] ??= Date.now();
        }
        state.save();
        return { errorEntries: missing.map((name) => notFound(name, 'Thing does not exist')) };
      },
    },
    {
      operation: 'BatchDisassociateClientDeviceFromCoreDevice',
      method: 'POST',
      path: `${CORE}/disassociateClientDevices`,
      permissions: permissions('BatchDisassociateClientDeviceFromCoreDevice'),
      handle(call) {
        const core = state.coreOrNew(requireCore(call));
        const names = entriesOf(call);
        const missing = names.filter((name) => !Object.hasOwn(core.devices, name));
        for (const name of names) delete core.devices[name];
        state.save();
        return { errorEntries: missing.map((name) => notFound(name, 'Not associated with this core')) };
      },
    },
    {
      operation: 'ListClientDevicesAssociatedWithCoreDevice',
      method: 'GET',
      path: `${CORE}/associatedClientDevices`,
      permissions: permissions('ListClientDevicesAssociatedWithCoreDevice'),
      handle(call) {
        const devices = Object.entries(state.core(requireCore(call))?.devices ?? {});
        const page = pageOf(devices, call.query, { most: 100 });
        const associatedClientDevices = page.items.map(([thingName, at]) => ({
          thingName,
          associationTimestamp: at / 1000,
        }));
        return { associatedClientDevices, nextToken: page.next };
      },
    },
  ];
}

function notFound(thingName: string, message: string): ErrorEntry {
  return { thingName, code: 'ResourceNotFoundException', message };
}
