import { join } from 'node:path';
import type { CertificateAuthority } from '../../../lib/x509/authority';
import { AwsError, type CloudContext } from '../../base/context';
import { listen } from '../../base/http';
import { ANY_RESOURCE, createRestService, routesOf, type RestRoute } from '../../base/rest/service';
import { iotArns } from './arns';
import { createDeviceAuthorisation, type DeviceIdentity, type DeviceRequest } from './authorisation';
import { startBroker } from './broker';
import type { DeviceService, Discovery, IotContext } from './context';
import { dataPlaneRoutes } from './dataPlane';
import { answerDevices } from './deviceEndpoint';
import { deviceTlsOptions } from './deviceTls';
import { openRegistry, registryRoutes } from './registry';
import { openRetainedMessages } from './retained';
import { createRules, ruleRoutes } from './rules';

export type { DeviceCall, DeviceService, Discovery } from './context';
export type { ActionInput, RuleTargets } from './rules/actions';
export type { RuleInput } from './rules';

/** See `createIotCore`. */
export type IotCore = Awaited<ReturnType<typeof createIotCore>>;

/**
 * AWS IoT Core: the MQTT broker, rules, the control and data planes, the credentials provider and the
 * discovery endpoint, each on a free port of `cloud.host`. State is kept in `<stateDir>/iot`.
 */
export async function createIotCore(
  cloud: CloudContext,
  { authority, devicesPort = 0 }: { authority: CertificateAuthority; devicesPort?: number },
) {
  const log = cloud.log.child({ service: 'iot' });
  const dir = join(cloud.stateDir, 'iot');
  const registry = openRegistry(dir);
  const arns = iotArns(cloud);
  const authorisation = createDeviceAuthorisation(registry, log);
  const context: IotContext = { cloud, authority, arns, registry, authorisation, log };
  const retained = openRetainedMessages(join(dir, 'retained'));
  const rules = createRules(cloud, arns, log);
  const broker = await startBroker(context, { retained, onMessage: rules.onMessage });
  registry.certificates.onDeactivated((certificateId) => broker.disconnect(certificateId));

  const forDevices = deviceParts();
  const tls = await deviceTlsOptions(authority);
  const devices = await listen({
    ...{ host: cloud.host, port: devicesPort, tls, log },
    handle: answerDevices(context, forDevices),
  });
  const serve = (signingName: string, routes: RestRoute[]): ReturnType<typeof listen> =>
    listen({ host: cloud.host, log, handle: createRestService({ cloud, signingName, routes, log }) });
  const data = await serve(
    'iotdata',
    dataPlaneRoutes(arns, { broker, retained, onMessage: rules.onMessage }),
  );
  const control = await serve('iot', [
    ...registryRoutes(registry, authority, arns, cloud.account),
    ...ruleRoutes(rules, arns),
    endpointRoute(`${cloud.host}:${broker.port}`, `${cloud.host}:${devices.port}`),
  ]);

  return {
    /** Mutual TLS, MQTT 3.1.1. */
    mqtt: { host: cloud.host, port: broker.port },
    /** Control plane: `AWS_ENDPOINT_URL_IOT`. */
    controlUrl: control.url,
    /** Data plane: `AWS_ENDPOINT_URL_IOT_DATA_PLANE`. */
    dataUrl: data.url,
    /** Mutual TLS: credentials provider and Greengrass discovery. */
    tlsUrl: devices.url,
    /** PEM of the authority that signed the certificates of the two TLS endpoints. */
    caPem: authority.certificatePem,
    /** Things, certificates, policies and role aliases, without the SDK. */
    registry,
    arns,
    /** Creates or replaces. Throws AwsError SqlParseException, InvalidRequestException. */
    putRule: rules.put,
    deleteRule: rules.remove,
    /** Gives rules the services that their actions need. Before it, an action fails and is logged. */
    connect: rules.connect,
    /** Gives the discovery endpoint its answers (Greengrass). Before it, every thing has none. */
    serveDiscovery: (discovery: Discovery): void => {
      forDevices.discovery = discovery;
    },
    /** Adds requests of devices that another service answers (Greengrass). */
    serveDevices: (service: DeviceService): void => {
      forDevices.services.push(service);
    },
    /** Whether the IoT policies of the certificate allow it; a refusal is logged. */
    allows: (identity: DeviceIdentity, request: DeviceRequest): boolean =>
      authorisation.allows(identity, request),
    /**
     * Policy variables of a session that the credentials provider made (`credentials-iot:ThingName`),
     * by access key id; empty for any other.
     */
    credentialVariables: (accessKeyId: string): Record<string, string> => {
      const thingName = forDevices.sessionThings.get(accessKeyId);
      return thingName === undefined ? {} : { 'credentials-iot:ThingName': thingName };
    },
    close: async (): Promise<void> => {
      await Promise.all([broker.close(), devices.close(), control.close(), data.close()]);
    },
  };
}

function deviceParts() {
  return {
    discovery: (() => undefined) as Discovery,
    services: [] as DeviceService[],
    sessionThings: new Map<string, string>(),
  };
}

/** Both as `host:port`. */
function endpointRoute(data: string, credentialProvider: string): RestRoute {
  return routesOf('iot')('DescribeEndpoint', 'GET /endpoint', ANY_RESOURCE, ({ query }) => {
    const type = query.get('endpointType') ?? 'iot:Data';
    if (type === 'iot:Data-ATS' || type === 'iot:Data') return { endpointAddress: data };
    if (type === 'iot:CredentialProvider') return { endpointAddress: credentialProvider };
    const message = `Endpoint type ${type} is not supported by the local cloud`;
    throw new AwsError('InvalidRequestException', message);
  });
}
