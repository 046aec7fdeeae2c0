import { AwsError } from '../../base/context';
import type { ConfigurationUpdate, ParsedFunctionProps } from './props';

/** What a version fixes, besides its code. */
export interface FunctionSettings {
  role: string;
  handler: string;
  /** Empty for a container image. */
  runtime: string;
  timeoutSeconds: number;
  memoryMiB: number;
  environment: Record<string, string>;
  reservedConcurrency?: number | undefined;
  logGroup?: string | undefined;
}

/**
 * Variables that the service sets itself, and refuses from its users.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
const RESERVED_VARIABLES =
  /^(AWS_(REGION|DEFAULT_REGION|ACCESS_KEY.*|SECRET_ACCESS_KEY|SESSION_TOKEN|EXECUTION_ENV|XRAY_(CONTEXT_MISSING|DAEMON_ADDRESS))|AWS_LAMBDA_(FUNCTION_.*|INITIALIZATION_TYPE|LOG_(GROUP|STREAM)_NAME|RUNTIME_API)|_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR)$/;

/** Throws AwsError InvalidParameterValueException when a variable is one that the service sets itself. */
export function requireOwnVariables(environment: Record<string, string>): void {
  const reserved = Object.keys(environment).filter((name) => RESERVED_VARIABLES.test(name));
  if (reserved.length === 0) return;
  throw new AwsError(
    'InvalidParameterValueException',
    `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
  );
}

/** Why this machine cannot run a function, as the end of a sentence; undefined: it can. */
export function notRunnable(runtime: string): string | undefined {
  if (/^nodejs\d+\.x$/.test(runtime)) return undefined;
  return runtime === '' ? 'is a container image' : `runs on ${runtime}`;
}

export function settingsFrom(props: ParsedFunctionProps): FunctionSettings {
  return {
    role: props.Role,
    handler: props.Handler,
    runtime: props.Runtime,
    timeoutSeconds: props.Timeout,
    memoryMiB: props.MemorySize,
    environment: props.Environment.Variables,
    reservedConcurrency: props.ReservedConcurrentExecutions,
    logGroup: props.LoggingConfig?.LogGroup,
  };
}

/** What is left out stays. */
export function changeSettings(current: FunctionSettings, change: ConfigurationUpdate): FunctionSettings {
  return {
    role: change.Role ?? current.role,
    handler: change.Handler ?? current.handler,
    runtime: change.Runtime ?? current.runtime,
    timeoutSeconds: change.Timeout ?? current.timeoutSeconds,
    memoryMiB: change.MemorySize ?? current.memoryMiB,
    environment: change.Environment?.Variables ?? current.environment,
    reservedConcurrency: change.ReservedConcurrentExecutions ?? current.reservedConcurrency,
    logGroup: change.LoggingConfig?.LogGroup ?? current.logGroup,
  };
}
