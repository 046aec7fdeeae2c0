import type { EdgeConfiguration } from '../configuration/configuration';
import type { FunctionDefinition, Serverless, ServerlessService, Utils } from '../framework';
import { isCloudOnly, isEdgeOnly } from './functionConfig';
import { layersOf, ownLayersOf } from './layers';

/** A setting that Lambda knows and an edge does not, and what to do instead. */
interface Setting {
  name: string;
  isSet: (definition: FunctionDefinition, service: ServerlessService, serverless: Serverless) => boolean;
  instead: string;
  /** Of functions in the cloud as well, it does there what it says. */
  edgeOnly?: boolean;
}

const has =
  (...keys: string[]) =>
  (definition: FunctionDefinition): boolean =>
    keys.some((key) => definition[key] !== undefined && definition[key] !== null);

const SETTINGS: readonly Setting[] = [
  {
    name: 'events',
    isSet: ({ events = [] }) => events.length > 0,
    instead:
      'nothing triggers a function that runs on edges only; edge.functions.<name>.locations: [edge, cloud]',
    edgeOnly: true,
  },
  {
    name: 'layers',
    isSet: (definition, service, serverless) =>
      layersOf(definition, service).length > ownLayersOf(definition, serverless).length,
    instead:
      'of layers that are named by ARN nothing comes to an edge; bundle what the function requires, or make it a ' +
      'layer of this service ("layers:"), whose node_modules come with the package',
  },
  {
    name: 'vpc',
    isSet: (definition, { provider }) => has('vpc')(definition) || provider.vpc !== undefined,
    instead: 'on an edge the function has the network of its node',
  },
  {
    name: 'fileSystemConfig',
    isSet: has('fileSystemConfig'),
    instead: 'there is no EFS on an edge; files of the package can be read, and /tmp written',
  },
  {
    name: 'destinations, onError, maximumRetryAttempts',
    isSet: has('destinations', 'onError', 'maximumRetryAttempts', 'maximumEventAge'),
    instead:
      'a device gets the result or the error of its call; a function can publish both (edge.functions.<name>.publishes)',
  },
  {
    name: 'url',
    isSet: (definition) => has('url')(definition) && !streams(definition),
    instead: 'devices call by name, over MQTT',
  },
  {
    name: 'response streaming',
    isSet: streams,
    instead:
      'a function on an edge returns one result; stream by publishing (edge.functions.<name>.publishes)',
  },
  {
    name: 'role, iamRoleStatements',
    isSet: has('role', 'iamRoleStatements', 'iamRoleStatementsInherit'),
    instead:
      'on an edge a function has no rights in AWS; call a function that runs in the cloud (edge.functions.<name>.invokes)',
  },
  {
    name: 'reservedConcurrency, provisionedConcurrency, snapStart',
    isSet: has('reservedConcurrency', 'provisionedConcurrency', 'snapStart'),
    instead: 'edge.functions.<name>.instances and .pinned',
  },
  {
    name: 'ephemeralStorageSize',
    isSet: has('ephemeralStorageSize'),
    instead: 'edge.groups.<name>.limits.storage',
  },
];

function streams({ url }: FunctionDefinition): boolean {
  const { invokeMode } = (typeof url === 'object' && url !== null ? url : {}) as { invokeMode?: unknown };
  return invokeMode === 'RESPONSE_STREAM';
}

/** Names each setting once that has no effect on an edge, with all functions that have it. */
export function warnOfSettings(
  serverless: Serverless,
  configuration: EdgeConfiguration,
  { log }: Utils,
): void {
  const { service } = serverless;
  const onEdge = Object.keys(configuration.section.functions).filter(
    (name) => !isCloudOnly(name, configuration),
  );
  for (const { name, isSet, instead, edgeOnly = false } of SETTINGS) {
    const functions = onEdge.filter(
      (each) =>
        isSet(service.functions[each] ?? {}, service, serverless) &&
        (!edgeOnly || isEdgeOnly(each, configuration)),
    );
    if (functions.length === 0) continue;
    log.warning(`${name} of ${functions.join(', ')}: without effect on an edge: ${instead}`);
  }
}
