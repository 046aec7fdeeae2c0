import path from 'node:path';
import { V1_SYSTEM_FUNCTIONS, V1_WARNING, type V1SystemFunction } from '../protocol/greengrassV1';
import type { EdgeConfiguration } from './configuration/configuration';
import { invalid } from './configuration/problems';
import type { FunctionDefinition, Serverless, Utils } from './framework';
import { apiUrlOf } from './resources/httpApi';

const DESCRIPTION = 'serverless-edge-on-demand, on a Greengrass V1 core: ';

/**
 * Engine greengrass: the edge system functions become Lambda functions of the stack, because a V1 core
 * runs versions of those. They never run in the cloud. Throws CONFIG_INVALID when the service has a
 * function of such a name.
 */
export function addGreengrassV1(serverless: Serverless, configuration: EdgeConfiguration): void {
  if (configuration.section.engine.name !== 'greengrass') return;
  const { functions, provider } = serverless.service;
  const taken = V1_SYSTEM_FUNCTIONS.filter((name) => name in functions);
  if (taken.length > 0) {
    const text = 'the name belongs to a system function of engine greengrass, expected another name';
    throw invalid(taken.map((name) => ({ path: `functions.${name}`, text })));
  }
  for (const name of V1_SYSTEM_FUNCTIONS) functions[name] = carrier(name, configuration);
  const performDeployment = functions['performDeployment'];
  if (performDeployment === undefined) return;
  const names = V1_SYSTEM_FUNCTIONS.map((name) => [name, configuration.lambdaName(name)] as const);
  performDeployment.environment = {
    ...performDeployment.environment,
    EDGE_GREENGRASS_FUNCTIONS: JSON.stringify(Object.fromEntries(names)),
    EDGE_HTTP_URL: apiUrlOf(provider.httpApi?.id, serverless.getProvider('aws')),
  };
}

/** The runtime is one that Lambda still makes functions for; the group's definition overrides it. */
function carrier(name: V1SystemFunction, configuration: EdgeConfiguration): FunctionDefinition {
  return {
    name: configuration.lambdaName(name),
    description: DESCRIPTION + name,
    handler: 'index.handler',
    runtime: 'nodejs22.x',
    memorySize: 128,
    timeout: 6,
    logRetentionInDays: configuration.logRetention,
    role: { 'Fn::GetAtt': ['EdgeCloudFunctionRole', 'Arn'] },
    events: [],
    skipEsbuild: true,
    package: { individually: true, artifact: bundlePath(name) },
  };
}

function bundlePath(name: V1SystemFunction): string {
  return path.join(__dirname, '..', 'edge', 'greengrass', `${name}.zip`);
}

/** Of the functions that `addGreengrassV1` has added: name and prebuilt bundle. */
export function greengrassV1Bundles({ service }: Serverless): [V1SystemFunction, string][] {
  return V1_SYSTEM_FUNCTIONS.filter((name) =>
    service.functions[name]?.description?.startsWith(DESCRIPTION),
  ).map((name) => [name, bundlePath(name)]);
}

/** Said at each packaging: nobody chooses this engine without knowing. */
export function warnOfGreengrassV1(configuration: EdgeConfiguration, { log }: Utils): void {
  if (configuration.section.engine.name === 'greengrass') log.warning(V1_WARNING);
}
