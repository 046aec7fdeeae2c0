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
import { roleLogicalId } from '../systemFunctions';
import { FAILURES } from './failures';
import type { TemplateContext } from './stack';

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
 * Puts the service's permissions boundary on roles, as the framework does with the one that it makes: in an
 * account that asks for one, no role could be made without it.
 */
export function withPermissionsBoundary(resources: Resources, service: ServerlessService): Resources {
  const PermissionsBoundary = permissionsBoundary(service);
  if (PermissionsBoundary === undefined) return resources;
  return Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [
      id,
      resource.Type === 'AWS::IAM::Role'
        ? { ...resource, Properties: { ...resource.Properties, PermissionsBoundary } }
        : resource,
    ]),
  );
}

/** All the spellings that the framework knows, in its order (its `mergeIamTemplates`). */
function permissionsBoundary({ provider }: ServerlessService): unknown {
  const role = (provider.iam?.role ?? {}) as { permissionsBoundary?: unknown; permissionBoundary?: unknown };
  return role.permissionsBoundary ?? role.permissionBoundary ?? provider.rolePermissionsBoundary;
}
