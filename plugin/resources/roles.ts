import type { SystemFunctionDescriptor } from '../../handlers/descriptor';
import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import {
  allow,
  arnOf,
  regionalArn,
  serviceRole,
  type Resources,
  type Statement,
} from '../../lib/cloudFormation';
import type { ServerlessService } from '../framework';
import { FAILURES } from './failures';
import { roleLogicalId } from './names';
import type { TemplateContext } from './templateContext';

/** One role per system function, with just what it does, and what else the function needs. */
export function systemFunctionResources(context: TemplateContext): Resources {
  const resources: Resources = {};
  for (const descriptor of SYSTEM_FUNCTIONS) {
    Object.assign(resources, descriptor.resources?.(context.stack));
  }
  for (const descriptor of SYSTEM_FUNCTIONS) {
    resources[roleLogicalId(descriptor.name)] = roleOf(descriptor, context);
  }
  return resources;
}

function roleOf(descriptor: SystemFunctionDescriptor, { stack, service }: TemplateContext) {
  const { name, failures } = descriptor;
  const statements = [
    allowLogs(stack.lambdaName(name)),
    ...(failures === 'queue' ? [allow(['sqs:SendMessage'], [arnOf(FAILURES)])] : []),
    ...descriptor.statements(stack),
    ...providerWide(service),
  ];
  return serviceRole(
    'lambda.amazonaws.com',
    statements.filter(({ Resource }) => Resource.length > 0),
    `System function ${name}`,
  );
}

/** The stack makes the log groups; Lambda gives the streams in them names of its own. */
function allowLogs(functionName: string): Statement {
  return allow(
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
    [regionalArn('logs', `log-group:/aws/lambda/${functionName}:*`)],
  );
}

/** What all functions of the service need because of its `provider:` settings. */
function providerWide({ provider: { kmsKeyArn, tracing } }: ServerlessService): Statement[] {
  return [
    ...(kmsKeyArn === undefined ? [] : [allow(['kms:Decrypt'], [kmsKeyArn])]),
    // X-Ray has no resources that a policy could name.
    ...(tracing?.lambda ? [allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*'])] : []),
  ];
}

/**
 * Puts the boundary, the path and the tags of the service's roles on ours, as the framework does with the
 * one that it makes: in an account that asks for one of them, no role could be made without it.
 */
export function asRolesOfService(resources: Resources, service: ServerlessService): Resources {
  const common = commonOfRoles(service);
  return Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [
      id,
      resource.Type === 'AWS::IAM::Role'
        ? { ...resource, Properties: { ...resource.Properties, ...common } }
        : resource,
    ]),
  );
}

interface FrameworkRole {
  path?: unknown;
  tags?: Record<string, unknown>;
  permissionsBoundary?: unknown;
  permissionBoundary?: unknown;
}

/** The boundary in all the spellings that the framework knows, in its order (its `mergeIamTemplates`). */
function commonOfRoles({ provider }: ServerlessService): Record<string, unknown> {
  const role = provider.iam?.role;
  const { path, tags, ...boundaries } = (typeof role === 'object' ? role : {}) as FrameworkRole;
  const boundary =
    boundaries.permissionsBoundary ?? boundaries.permissionBoundary ?? provider.rolePermissionsBoundary;
  return {
    ...(boundary !== undefined && { PermissionsBoundary: boundary }),
    ...(path !== undefined && { Path: path }),
    ...(tags !== undefined && { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
  };
}
