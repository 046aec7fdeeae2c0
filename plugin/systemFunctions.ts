import path from 'node:path';
import { ROUTES, REQUEST_PREFIX, UPLOAD_PREFIX, UPLOAD_SUFFIX } from '../protocol';
import type { EdgeConfiguration } from './configuration/configuration';
import { invalid } from './configuration/problems';
import type { FunctionDefinition, Serverless, Service } from './framework';
import { SYSTEM_FUNCTIONS, type SystemFunction } from './systemFunctionNames';

export { SYSTEM_FUNCTIONS, type SystemFunction };

/** MiB and seconds that fit each: reading a package needs room, a route answers within 30 s. */
const SIZES: Record<SystemFunction, { memorySize: number; timeout: number }> = {
  createFunction: { memorySize: 1024, timeout: 120 },
  validateFunction: { memorySize: 512, timeout: 10 },
  handleDeploymentRequest: { memorySize: 512, timeout: 30 },
  performDeployment: { memorySize: 512, timeout: 60 },
  getGroupDefinition: { memorySize: 512, timeout: 10 },
  cloudRemoteExecution: { memorySize: 512, timeout: 29 },
};

export function roleLogicalId(name: SystemFunction): string {
  return `Edge${name[0]?.toUpperCase()}${name.slice(1)}Role`;
}

export function bundlePath(name: SystemFunction): string {
  return path.join(__dirname, '..', 'handlers', `${name}.zip`);
}

/**
 * Adds the system functions as ordinary functions of the service: logs, invoke, info and deploy work.
 * Throws CONFIG_INVALID when the service has a function of that name.
 */
export function addSystemFunctions(serverless: Serverless, configuration: EdgeConfiguration): void {
  const { service } = serverless;
  const taken = SYSTEM_FUNCTIONS.filter((name) => name in service.functions);
  if (taken.length > 0) {
    throw invalid(
      taken.map((name) => ({
        path: `functions.${name}`,
        text: 'the name belongs to a system function of the edge plugin, expected another name',
      })),
    );
  }
  for (const name of SYSTEM_FUNCTIONS) {
    service.functions[name] = systemFunction(name, service, configuration);
  }
}

function systemFunction(
  name: SystemFunction,
  service: Service,
  configuration: EdgeConfiguration,
): FunctionDefinition {
  return {
    name: configuration.lambdaName(name),
    description: `serverless-edge-on-demand: ${name}`,
    handler: 'index.handler',
    runtime: 'nodejs22.x',
    architecture: 'arm64',
    ...SIZES[name],
    logRetentionInDays: configuration.logRetention,
    role: { 'Fn::GetAtt': [roleLogicalId(name), 'Arn'] },
    environment: environmentOf(name, configuration),
    events: [
      ...routesOf(name),
      ...schedulesOf(name, configuration),
      ...existingBucketsOf(name, configuration),
    ],
    ...(isRouted(name) ? { httpApi: { payload: '2.0' } } : {}),
    ...withoutProviderDefaults(service),
    skipEsbuild: true,
    package: { individually: true, artifact: bundlePath(name) },
  };
}

/** What a service gives all of its functions, and these can do without: a network, layers. */
function withoutProviderDefaults({ provider }: Service): Partial<FunctionDefinition> {
  return {
    // Only then: that a function mentions a network at all gives the service's default role more rights.
    ...(provider.vpc === undefined ? {} : { vpc: null }),
    ...(provider.layers === undefined ? {} : { layers: [] }),
  };
}

const THING_ARN_PREFIX = 'arn:${AWS::Partition}:iot:${AWS::Region}:${AWS::AccountId}:thing/';

function environmentOf(name: SystemFunction, configuration: EdgeConfiguration): Record<string, unknown> {
  const common = {
    EDGE_FUNCTIONS_BUCKET: configuration.functionsBucket,
    EDGE_STATE_BUCKET: configuration.stateBucket,
    EDGE_DEVICE_PREFIX: configuration.devicePrefix,
    EDGE_CORE_PREFIX: configuration.corePrefix,
    EDGE_ENGINE: configuration.section.engine.name,
    EDGE_LOG_LEVEL: configuration.section.logLevel,
  };
  if (name === 'handleDeploymentRequest') {
    return { ...common, EDGE_PERFORM_DEPLOYMENT: configuration.lambdaName('performDeployment') };
  }
  if (name === 'performDeployment') {
    return { ...common, EDGE_THING_ARN_PREFIX: { 'Fn::Sub': THING_ARN_PREFIX } };
  }
  if (isRouted(name)) return { ...common, EDGE_CORE_ROLE_NAME: { Ref: 'EdgeCoreRole' } };
  if (name !== 'createFunction') return common;
  return {
    ...common,
    EDGE_CLOUD_FUNCTION_PREFIX: configuration.cloudFunctionPrefix,
    EDGE_CLOUD_FUNCTION_ROLE_ARN: { 'Fn::GetAtt': ['EdgeCloudFunctionRole', 'Arn'] },
    EDGE_CLOUD_FUNCTION_LOG_GROUP: { Ref: 'EdgeCloudFunctionLogGroup' },
  };
}

export function isRouted(name: SystemFunction): boolean {
  return routesOf(name).length > 0;
}

function routesOf(name: SystemFunction) {
  return Object.values(ROUTES)
    .filter((route) => route.handler === name)
    .map(({ method, path: routePath }) => ({
      httpApi: { method, path: routePath, authorizer: { type: 'aws_iam' } },
    }));
}

/** Covers a lost S3 event and a lost hint. */
function schedulesOf(name: SystemFunction, { section }: EdgeConfiguration): unknown[] {
  if (name !== 'performDeployment') return [];
  const { sweepMinutes } = section.engine;
  return [{ schedule: { rate: [`rate(${sweepMinutes} minute${sweepMinutes === 1 ? '' : 's'})`] } }];
}

/**
 * CloudFormation sets notifications only on buckets that it makes. For others the framework has a
 * custom resource of its own, which keeps the notifications that somebody else has set.
 */
function existingBucketsOf(name: SystemFunction, { section }: EdgeConfiguration): unknown[] {
  const { functions, state } = section.buckets;
  const event = (bucket: string, prefix: string, suffix: string) => ({
    s3: { bucket, event: 's3:ObjectCreated:*', rules: [{ prefix }, { suffix }], existing: true },
  });
  if (name === 'createFunction' && functions?.existing) {
    return [event(functions.name, UPLOAD_PREFIX, UPLOAD_SUFFIX)];
  }
  if (name === 'performDeployment' && state?.existing) return [event(state.name, REQUEST_PREFIX, '.json')];
  return [];
}

/** serverless-offline knows no IAM authorisation, and has no edge that a sweep could do anything for. */
export function prepareForOffline(serverless: Serverless): void {
  for (const name of SYSTEM_FUNCTIONS) {
    const definition = serverless.service.functions[name];
    if (definition === undefined) continue;
    definition.events = routesOf(name).map(({ httpApi: { authorizer: _iam, ...httpApi } }) => ({ httpApi }));
  }
}

/**
 * `sls deploy function` takes the logical id of a role for its name and finds none. The role does not
 * change there: the one that the function has on Lambda stands in.
 */
export function keepRole({ service }: Serverless, functionName: string | undefined): void {
  const name = SYSTEM_FUNCTIONS.find((each) => each === functionName);
  const definition = name && service.functions[name];
  const current = service.provider.remoteFunctionData?.Configuration?.Role;
  if (definition && current !== undefined) definition.role = current;
}
