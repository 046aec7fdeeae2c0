import { z } from 'zod';
import { readJsonBody } from '../../base/rest/input';
import type { RestCall, RestPermission, RestRoute } from '../../base/rest/service';
import type { GreengrassContext } from './context';

const updateSchema = z.strictObject({
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
export function connectivityRoutes({ state, iotCore, cloud }: GreengrassContext): RestRoute[] {
  const thingOf = (call: RestCall): string => call.params.thingName ?? '';
  const permissions =
    (action: string) =>
    (call: RestCall): RestPermission[] => {
      const path = `/greengrass/things/${thingOf(call)}/connectivityInfo`;
      const resource = `arn:aws:greengrass:${cloud.region}:${cloud.account}:${path}`;
      return [{ action: `greengrass:${action}`, resource }];
    };
  const conditions = (call: RestCall): Record<string, string> =>
    iotCore.credentialVariables(call.principal.accessKeyId);
  const path = '/greengrass/things/{thingName}/connectivityInfo';

  return [
    {
      operation: 'GetConnectivityInfo',
      method: 'GET',
      path,
      permissions: permissions('GetConnectivityInfo'),
      conditions,
      handle(call) {
        iotCore.registry.things.describe(thingOf(call));
        return { ConnectivityInfo: state.core(thingOf(call))?.connectivity ?? [] };
      },
    },
    {
      operation: 'UpdateConnectivityInfo',
      method: 'PUT',
      path,
      permissions: permissions('UpdateConnectivityInfo'),
      conditions,
      handle(call) {
        iotCore.registry.things.describe(thingOf(call));
        const { ConnectivityInfo } = readJsonBody(call.body, updateSchema, 'ValidationException');
        const core = state.coreOrNew(thingOf(call));
        core.connectivity = ConnectivityInfo.map(({ PortNumber = 8883, Metadata = '', ...one }) => ({
          ...one,
          PortNumber,
          Metadata,
        }));
        core.connectivityVersion += 1;
        state.save();
        return { Version: String(core.connectivityVersion), Message: 'Connectivity Info Updated' };
      },
    },
  ];
}
