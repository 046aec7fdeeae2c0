import { join } from 'node:path';
import type { CertificateAuthority } from '../../../lib/x509/authority';
import type { CloudContext } from '../../base/context';
import { listen } from '../../base/http';
import { iotArns } from './arns';
import { createDeviceAuthorisation } from './authorisation';
import { createBroker } from './broker';
import { certificateRoutes } from './control/certificates';
import { endpointRoutes, type Endpoints } from './control/endpoints';
import { policyRoutes } from './control/policies';
import { ruleRoutes } from './control/rules';
import { thingGroupRoutes } from './control/thingGroups';
import { thingRoutes } from './control/things';
import { dataPlaneRoutes } from './dataPlane';
import { createDeviceEndpoint } from './deviceEndpoint';
import { deviceTlsOptions } from './deviceTls';
import { createRegistry } from './registry';
import { createRestService, type RestRoute } from '../../base/rest/service';
import { openRetainedMessages } from './retained';
import { createRules } from './rules';
import type { DeviceService, Discovery, IotContext, IotCore } from './types';

export interface IotCoreOptions {
  /** Signs the certificates of the TLS endpoints, and those that CreateKeysAndCertificate makes. */
  authority: CertificateAuthority;
}

/**
 * AWS IoT Core: the MQTT broker, rules, the control and data planes, the credentials provider and the
 * discovery endpoint, each on a free port of `cloud.host`. State is kept in `<stateDir>/iot`.
 */
export async function createIotCore(cloud: CloudContext, { authority }: IotCoreOptions): Promise<IotCore> {
  const log = cloud.log.child({ service: 'iot' });
  const dir = join(cloud.stateDir, 'iot');
  const registry = createRegistry(dir);
  const arns = iotArns(cloud);
  const authorisation = createDeviceAuthorisation(registry, log);
  const context: IotContext = { cloud, authority, arns, registry, authorisation, log };
  const retained = openRetainedMessages(join(dir, 'retained'));
  const rules = createRules(cloud, arns, log);
  const broker = await createBroker(context, { retained, onMessage: rules.onMessage });
  registry.certificates.onDeactivated((certificateId) => broker.disconnect(certificateId));

  const sessionThings = new Map<string, string>();
  let discovery: Discovery = () => undefined;
  const deviceServices: DeviceService[] = [];
  const devices = await listen({
    host: cloud.host,
    tls: await deviceTlsOptions(authority),
    log,
    handle: createDeviceEndpoint(context, {
      discover: (thingName) => discovery(thingName),
      services: deviceServices,
      onCredentials: (accessKeyId, thingName) => {
        if (thingName !== undefined) sessionThings.set(accessKeyId, thingName);
      },
    }),
  });
  const endpoints: Endpoints = {
    data: () => `${cloud.host}:${broker.port}`,
    credentialProvider: () => `${cloud.host}:${devices.port}`,
  };
  const serve = (signingName: string, routes: RestRoute[]): ReturnType<typeof listen> =>
    listen({ host: cloud.host, log, handle: createRestService({ cloud, signingName, routes, log }) });
  const control = await serve('iot', [
    ...thingRoutes(context),
    ...thingGroupRoutes(context),
    ...certificateRoutes(context),
    ...policyRoutes(context),
    ...ruleRoutes(context, rules),
    ...endpointRoutes(context, endpoints),
  ]);
  const parts = { broker, retained, onMessage: rules.onMessage };
  const data = await serve('iotdata', dataPlaneRoutes(context, parts));

  return {
    mqtt: { host: cloud.host, port: broker.port },
    controlUrl: control.url,
    dataUrl: data.url,
    tlsUrl: devices.url,
    caPem: authority.certificatePem,
    registry,
    arns,
    ...inProcess(context),
    putRule: rules.put,
    deleteRule: rules.remove,
    connect: rules.connect,
    serveDiscovery: (given) => {
      discovery = given;
    },
    serveDevices: (service) => void deviceServices.push(service),
    allows: (identity, request) => authorisation.allows(identity, request),
    credentialVariables(accessKeyId): Record<string, string> {
      const thingName = sessionThings.get(accessKeyId);
      return thingName === undefined ? {} : { 'credentials-iot:ThingName': thingName };
    },
    async close() {
      await Promise.all([broker.close(), devices.close(), control.close(), data.close()]);
    },
  };
}

/** What CloudFormation does with these resources, without a signature. */
function inProcess({
  registry,
  arns,
}: IotContext): Pick<
  IotCore,
  'putPolicy' | 'deletePolicy' | 'putRoleAlias' | 'deleteRoleAlias' | 'createThing' | 'deleteThing'
> {
  const { policies, roleAliases, things } = registry;
  return {
    putPolicy: (name, document) => ({ arn: arns.of('policy', policies.put(name, document).policyName) }),
    deletePolicy: (name) => policies.remove(name),
    putRoleAlias: (name, input) => ({ arn: arns.of('rolealias', roleAliases.put(name, input).roleAlias) }),
    deleteRoleAlias: (name) => roleAliases.remove(name),
    createThing(name, attributes) {
      const { thingName, thingId } = things.create(name, attributes);
      return { arn: arns.of('thing', thingName), thingId };
    },
    deleteThing: (name) => things.remove(name),
  };
}
