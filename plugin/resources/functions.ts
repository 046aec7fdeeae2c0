import type { SystemFunctionDescriptor } from '../../handlers/descriptor';
import type { CarriedFunction } from '../../handlers/engines/descriptor';
import { MADE_FUNCTION_ROLE } from '../../handlers/stackContext';
import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import { arnOf, eventRule, type Resources } from '../../lib/cloudFormation';
import { CORE_ROLE } from './iot';
import { capitalised, roleLogicalId } from './names';
import type { TemplateContext } from './templateContext';

const RUNTIME = 'nodejs22.x';

/**
 * The Lambda functions of the plugin, each with its log group and its schedule: resources of the stack and
 * no functions of the service, so that nothing that is about all functions (bundlers, warmers, alarms, roles
 * per function) takes them for the user's. What of `provider:` applies to them is said in
 * docs/packaging.md, row by row.
 */
export function functionResources(context: TemplateContext): Resources {
  const resources: Resources = {};
  for (const descriptor of SYSTEM_FUNCTIONS) {
    Object.assign(resources, systemFunction(descriptor, context), schedule(descriptor, context));
  }
  for (const carried of context.stack.engine.descriptor.functions ?? []) {
    Object.assign(resources, carriedFunction(carried, context));
  }
  return resources;
}

function systemFunction(descriptor: SystemFunctionDescriptor, context: TemplateContext): Resources {
  const { name, memory, timeout } = descriptor;
  return lambdaFunction(name, context, {
    Description: `serverless-edge-on-demand: ${name}`,
    Architectures: ['arm64'],
    MemorySize: memory,
    Timeout: timeout,
    Role: arnOf(roleLogicalId(name)),
    Environment: { Variables: environmentOf(descriptor, context) },
    ...providerWide(context),
  });
}

/** The runtime is one that Lambda still makes functions for: this one never runs in the cloud. */
function carriedFunction({ name, description }: CarriedFunction, context: TemplateContext): Resources {
  return lambdaFunction(name, context, {
    Description: description,
    MemorySize: 128,
    Timeout: 6,
    Role: arnOf(MADE_FUNCTION_ROLE),
    ...tagged(context),
  });
}

function lambdaFunction(
  name: string,
  { configuration, provider, service, stack }: TemplateContext,
  properties: Record<string, unknown>,
): Resources {
  const logGroup = provider.naming.getLogGroupLogicalId(name);
  const functionName = configuration.lambdaName(name);
  const { logDataProtectionPolicy } = service.provider;
  return {
    [logGroup]: {
      Type: 'AWS::Logs::LogGroup',
      Properties: {
        LogGroupName: `/aws/lambda/${functionName}`,
        RetentionInDays: configuration.logRetention,
        ...(logDataProtectionPolicy !== undefined && { DataProtectionPolicy: logDataProtectionPolicy }),
      },
    },
    [stack.functionId(name)]: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: {
          S3Bucket: service.package.deploymentBucket ?? {
            Ref: provider.naming.getDeploymentBucketLogicalId(),
          },
          S3Key: `${service.package.artifactDirectoryName}/${name}.zip`,
        },
        FunctionName: functionName,
        Handler: 'index.handler',
        Runtime: RUNTIME,
        ...properties,
      },
      // Lambda would make the log group with its first line, and the stack could not any more.
      DependsOn: [logGroup],
    },
  };
}

function environmentOf(
  { environment, trigger }: SystemFunctionDescriptor,
  { configuration, stack }: TemplateContext,
): Record<string, unknown> {
  return {
    EDGE_FUNCTIONS_BUCKET: stack.functionsBucket,
    EDGE_STATE_BUCKET: stack.stateBucket,
    EDGE_DEVICE_PREFIX: stack.devicePrefix,
    EDGE_CORE_PREFIX: stack.corePrefix,
    EDGE_ENGINE: stack.engine.options.name,
    EDGE_LOG_LEVEL: configuration.section.logLevel,
    ...(trigger.routes && { EDGE_CORE_ROLE_NAME: { Ref: CORE_ROLE } }),
    ...environment?.(stack),
  };
}

/** What an account may insist on for every function: its key, its traces, its tags. */
function providerWide(context: TemplateContext): Record<string, unknown> {
  const { kmsKeyArn, tracing } = context.service.provider;
  const mode = tracing?.lambda;
  return {
    ...(kmsKeyArn !== undefined && { KmsKeyArn: kmsKeyArn }),
    ...(mode !== undefined && mode !== false && { TracingConfig: { Mode: mode === true ? 'Active' : mode } }),
    ...tagged(context),
  };
}

function tagged({ service }: TemplateContext): Record<string, unknown> {
  const { tags } = service.provider;
  if (tags === undefined) return {};
  return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}

function schedule({ name, trigger }: SystemFunctionDescriptor, { stack }: TemplateContext): Resources {
  const minutes = trigger.everyMinutes?.(stack);
  if (minutes === undefined) return {};
  return eventRule(`Edge${capitalised(name)}Schedule`, {
    description: `Wakes ${name}`,
    cause: { ScheduleExpression: `rate(${minutes} minute${minutes === 1 ? '' : 's'})` },
    target: { id: name, functionId: stack.functionId(name) },
  });
}
