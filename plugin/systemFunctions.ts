import path from 'node:path';
import { EdgeError, ROUTES } from '../protocol';
import type { EdgeConfiguration } from './configuration/configuration';
import type { FunctionDefinition, Serverless } from './framework';

/** The cloud system functions, as ordinary functions of the service: logs, invoke, info and deploy work. */
export const SYSTEM_FUNCTIONS = [
  'createFunction',
  'validateFunction',
  'handleDeploymentRequest',
  'performDeployment',
  'getGroupDefinition',
  'cloudRemoteExecution',
] as const;
export type SystemFunction = (typeof SYSTEM_FUNCTIONS)[number];

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

export function addSystemFunctions(serverless: Serverless, configuration: EdgeConfiguration): void {
  for (const name of SYSTEM_FUNCTIONS) {
    if (name in serverless.service.functions) {
      throw new EdgeError(
        'CONFIG_INVALID',
        `functions.${name}: the name belongs to a system function of the edge plugin`,
        {
          field: `functions.${name}`,
          expected: 'another name',
        },
      );
    }
    serverless.service.functions[name] = systemFunction(name, configuration);
  }
}

function systemFunction(name: SystemFunction, configuration: EdgeConfiguration): FunctionDefinition {
  return {
    name: `${configuration.service}-${configuration.stage}-${name}`,
    description: `serverless-edge-on-demand: ${name}`,
    handler: 'index.handler',
    runtime: 'nodejs22.x',
    architecture: 'arm64',
    ...SIZES[name],
    role: { 'Fn::GetAtt': [roleLogicalId(name), 'Arn'] },
    environment: environmentOf(name, configuration),
    events: [...routesOf(name), ...schedulesOf(name)],
    skipEsbuild: true,
    package: { individually: true, artifact: bundlePath(name) },
  };
}

function environmentOf(name: SystemFunction, configuration: EdgeConfiguration): Record<string, unknown> {
  const common = {
    EDGE_FUNCTIONS_BUCKET: configuration.functionsBucket,
    EDGE_STATE_BUCKET: configuration.stateBucket,
    EDGE_DEVICE_PREFIX: configuration.devicePrefix,
    EDGE_CORE_PREFIX: configuration.corePrefix,
    EDGE_ENGINE: configuration.section.engine,
    EDGE_LOG_LEVEL: configuration.section.logLevel,
  };
  if (name === 'handleDeploymentRequest') {
    return {
      ...common,
      EDGE_PERFORM_DEPLOYMENT: `${configuration.service}-${configuration.stage}-performDeployment`,
    };
  }
  if (routesOf(name).length > 0) return { ...common, EDGE_CORE_ROLE_NAME: { Ref: 'EdgeCoreRole' } };
  if (name !== 'createFunction') return common;
  return {
    ...common,
    EDGE_CLOUD_FUNCTION_PREFIX: configuration.cloudFunctionPrefix,
    EDGE_CLOUD_FUNCTION_ROLE_ARN: { 'Fn::GetAtt': ['EdgeCloudFunctionRole', 'Arn'] },
  };
}

function routesOf(name: SystemFunction): unknown[] {
  return Object.values(ROUTES)
    .filter((route) => route.handler === name)
    .map(({ method, path: routePath }) => ({
      httpApi: { method, path: routePath, authorizer: { type: 'aws_iam' } },
    }));
}

/** Covers a lost S3 event and a lost hint. */
function schedulesOf(name: SystemFunction): unknown[] {
  return name === 'performDeployment' ? [{ schedule: { rate: ['rate(5 minutes)'] } }] : [];
}
