import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ServiceStack, SystemFunctionDescriptor, Trigger } from '../handlers/descriptor';
import type { CarriedFunction } from '../handlers/engines/descriptor';
import { MADE_FUNCTION_ROLE } from '../handlers/stackContext';
import { SYSTEM_FUNCTIONS } from '../handlers/systemFunctions';
import { arnOf } from '../lib/cloudFormation';
import { ROUTES } from '../protocol';
import type { EdgeConfiguration } from './configuration/configuration';
import { invalid } from './configuration/problems';
import type { FunctionDefinition, Serverless, ServerlessService } from './framework';
import { CORE_ROLE } from './resources/iot';
import { stackOf } from './resources/stack';

const RUNTIME = 'nodejs22.x';

export function roleLogicalId(name: string): string {
  return `Edge${capitalised(name)}Role`;
}

export function capitalised(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}

/**
 * Adds the system functions, and those that the engine carries, as ordinary functions of the service: logs,
 * invoke, info and deploy work. Throws CONFIG_INVALID when the service has a function of such a name.
 */
export function addSystemFunctions(serverless: Serverless, configuration: EdgeConfiguration): void {
  const { functions } = serverless.service;
  const { descriptor: engine } = configuration.engine;
  const carried = engine.functions ?? [];
  requireFree(functions, SYSTEM_FUNCTIONS, 'the edge plugin');
  requireFree(functions, carried, `engine ${engine.name}`);
  const stack = stackOf(serverless, configuration);
  for (const descriptor of SYSTEM_FUNCTIONS) {
    functions[descriptor.name] = systemFunction(descriptor, serverless.service, configuration, stack);
  }
  for (const each of carried) functions[each.name] = carriedFunction(each, configuration);
}

function requireFree(functions: object, added: readonly { name: string }[], whose: string): void {
  const taken = added.filter(({ name }) => name in functions);
  if (taken.length === 0) return;
  const text = `the name belongs to a system function of ${whose}, expected another name`;
  throw invalid(taken.map(({ name }) => ({ path: `functions.${name}`, text })));
}

function systemFunction(
  descriptor: SystemFunctionDescriptor,
  service: ServerlessService,
  configuration: EdgeConfiguration,
  stack: ServiceStack,
): FunctionDefinition {
  const { name, memory, timeout, trigger } = descriptor;
  return {
    name: configuration.lambdaName(name),
    description: `serverless-edge-on-demand: ${name}`,
    handler: 'index.handler',
    runtime: RUNTIME,
    architecture: 'arm64',
    memorySize: memory,
    timeout,
    logRetentionInDays: configuration.logRetention,
    role: arnOf(roleLogicalId(name)),
    environment: environmentOf(descriptor, configuration, stack),
    events: [
      ...routesOf(trigger),
      ...schedulesOf(trigger, stack),
      ...existingBucketsOf(trigger, configuration),
    ],
    ...(trigger.routes && { httpApi: { payload: '2.0' } }),
    ...withoutProviderDefaults(service),
    skipEsbuild: true,
    package: { individually: true, artifact: bundlePath(`handlers/${name}.zip`) },
  };
}

/** The runtime is one that Lambda still makes functions for: this one never runs in the cloud. */
function carriedFunction(
  { name, description, bundle }: CarriedFunction,
  { lambdaName, logRetention }: EdgeConfiguration,
): FunctionDefinition {
  return {
    name: lambdaName(name),
    description,
    handler: 'index.handler',
    runtime: RUNTIME,
    memorySize: 128,
    timeout: 6,
    logRetentionInDays: logRetention,
    role: arnOf(MADE_FUNCTION_ROLE),
    events: [],
    skipEsbuild: true,
    package: { individually: true, artifact: bundlePath(bundle) },
  };
}

/** What a service gives all of its functions, and these can do without: a network, layers. */
function withoutProviderDefaults({ provider }: ServerlessService): Partial<FunctionDefinition> {
  return {
    // The key is left out otherwise, because a function that mentions a network at all gives the service's
    // default role more rights.
    ...(provider.vpc === undefined ? {} : { vpc: null }),
    ...(provider.layers === undefined ? {} : { layers: [] }),
  };
}

function environmentOf(
  { environment, trigger }: SystemFunctionDescriptor,
  { section }: EdgeConfiguration,
  stack: ServiceStack,
): Record<string, unknown> {
  return {
    EDGE_FUNCTIONS_BUCKET: stack.functionsBucket,
    EDGE_STATE_BUCKET: stack.stateBucket,
    EDGE_DEVICE_PREFIX: stack.devicePrefix,
    EDGE_CORE_PREFIX: stack.corePrefix,
    EDGE_ENGINE: stack.engine.options.name,
    EDGE_LOG_LEVEL: section.logLevel,
    ...(trigger.routes && { EDGE_CORE_ROLE_NAME: { Ref: CORE_ROLE } }),
    ...environment?.(stack),
  };
}

function routesOf({ routes = [] }: Trigger) {
  return routes.map((name) => {
    const { method, path: routePath } = ROUTES[name];
    return { httpApi: { method, path: routePath, authorizer: { type: 'aws_iam' } } };
  });
}

function schedulesOf({ everyMinutes }: Trigger, stack: ServiceStack): unknown[] {
  const minutes = everyMinutes?.(stack);
  if (minutes === undefined) return [];
  return [{ schedule: { rate: [`rate(${minutes} minute${minutes === 1 ? '' : 's'})`] } }];
}

/**
 * CloudFormation sets notifications only on buckets that it makes. For others the framework has a
 * custom resource of its own, which keeps the notifications that somebody else has set.
 */
function existingBucketsOf({ objects }: Trigger, { section }: EdgeConfiguration): unknown[] {
  if (objects === undefined) return [];
  const bucket = section.buckets[objects.bucket];
  if (!bucket?.existing) return [];
  const { prefix, suffix } = objects;
  const rules = [{ prefix }, { suffix }];
  return [{ s3: { bucket: bucket.name, event: 's3:ObjectCreated:*', rules, existing: true } }];
}

/** serverless-offline knows no IAM authorisation, and has no edge that a sweep could do anything for. */
export function prepareForOffline(serverless: Serverless): void {
  for (const { name, trigger } of SYSTEM_FUNCTIONS) {
    const definition = serverless.service.functions[name];
    if (definition === undefined) continue;
    definition.events = routesOf(trigger).map(({ httpApi: { authorizer: _iam, ...httpApi } }) => ({
      httpApi,
    }));
  }
}

/**
 * `sls deploy function` takes the logical id of a role for its name and finds none. The role does not
 * change there: the one that the function has on Lambda stands in.
 */
export function keepRole({ service }: Serverless, functionName: string | undefined): void {
  const isSystemFunction = SYSTEM_FUNCTIONS.some(({ name }) => name === functionName);
  const definition = isSystemFunction ? service.functions[functionName ?? ''] : undefined;
  const current = service.provider.remoteFunctionData?.Configuration?.Role;
  if (definition && current !== undefined) definition.role = current;
}

/** The plugin's own bundle is in a folder of dist/; its sources, which tests run, use what was built there. */
const DIST = path.join(__dirname, '..', __filename.endsWith('.ts') ? 'dist' : '.');

function bundlePath(bundle: string): string {
  return path.join(DIST, bundle);
}

/**
 * Copies the prebuilt bundles to `folder`: serverless-esbuild re-points every Node function's artifact at
 * `.serverless/<basename>`, so they have to lie there.
 */
export async function placeSystemBundles(
  { service, serviceDir }: Serverless,
  { engine }: EdgeConfiguration,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bundles = [
    ...SYSTEM_FUNCTIONS.map(({ name }) => ({ name, bundle: `handlers/${name}.zip` })),
    ...(engine.descriptor.functions ?? []),
  ];
  for (const { name, bundle } of bundles) {
    const definition = service.functions[name];
    if (definition === undefined) continue;
    const target = path.join(folder, `${name}.zip`);
    await copyFile(bundlePath(bundle), target);
    definition.package = { individually: true, artifact: path.relative(serviceDir, target) };
  }
}
