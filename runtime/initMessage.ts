import { randomBytes } from 'node:crypto';
import { MAX_PAYLOAD_BYTES } from './frames';
import type { ContextSettings, InitMessage } from './processMessages';
import type { FunctionSpec } from './types';

/** What turns an idle process into an instance of `spec`. */
export function initMessage(spec: FunctionSpec, answersAsks: boolean): InitMessage {
  const context = contextSettings(spec);
  return {
    type: 'init',
    directory: spec.directory,
    handler: spec.handler,
    environment: { ...lambdaEnvironment(spec, context), ...spec.environment },
    context,
    maxResultBytes: MAX_PAYLOAD_BYTES,
    answersAsks,
  };
}

function contextSettings(spec: FunctionSpec): ContextSettings {
  const { functionName, functionVersion, invokedFunctionArn } = spec.context;
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  return {
    functionName,
    functionVersion,
    invokedFunctionArn,
    memoryLimitInMB: String(spec.memoryMiB),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: `${day}/[${functionVersion}]${randomBytes(16).toString('hex')}`,
  };
}

/** The variables that Lambda defines and libraries look for. */
function lambdaEnvironment(spec: FunctionSpec, context: ContextSettings): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: context.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: context.functionVersion,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: context.memoryLimitInMB,
    AWS_LAMBDA_LOG_GROUP_NAME: context.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: context.logStreamName,
    LAMBDA_TASK_ROOT: spec.directory,
    _HANDLER: spec.handler,
  };
}
