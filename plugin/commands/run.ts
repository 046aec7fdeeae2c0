import { EdgeError } from '../../protocol';
import { isSet, type Command, type CommandHost, type CommandResult } from './command';

/** Runs a command against the deployed service. */
export function runCommand(host: CommandHost, load: () => Promise<Command>): Promise<void> {
  return reportResult(host, () => withService(host, load));
}

/**
 * Prints what a command has to say. With `--json` a failure is a document too, that of the configuration
 * as well; either way the exit code is 1.
 */
export async function reportResult(
  host: CommandHost,
  work: () => Promise<CommandResult | undefined>,
): Promise<void> {
  const json = isSet(host.options, 'json');
  try {
    host.configuration();
    const result = await work();
    if (result === undefined) return;
    host.utils.writeText(json ? JSON.stringify(result.json, null, 2) : result.text);
    if (result.failed) process.exitCode = 1;
  } catch (thrown) {
    const error = readable(thrown);
    if (error === undefined) throw thrown;
    if (!json) throw frameworkError(host, error);
    host.utils.writeText(JSON.stringify({ error: { ...error.toJSON(), action: adviceOf(error) } }, null, 2));
    process.exitCode = 1;
  }
}

async function withService(host: CommandHost, load: () => Promise<Command>) {
  const { openService } = await import('./service');
  const service = await openService(host.serverless, { local: isSet(host.options, 'local') });
  try {
    const command = await load();
    return await command({ ...host, service });
  } finally {
    service.close();
  }
}

/** The framework shows its own error class without a stack: what went wrong, and what to do. */
export function frameworkError({ serverless }: CommandHost, error: EdgeError): Error {
  return new serverless.classes.Error(`${messageOf(error)}\n→ ${adviceOf(error)}`, `EDGE_${error.code}`);
}

/** What a function threw has a type, too. */
function messageOf({ message, details }: EdgeError): string {
  const type = details?.['errorType'];
  return typeof type === 'string' ? `${type}: ${message}` : message;
}

function adviceOf(error: EdgeError): string {
  return error.expected ?? error.action;
}

const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET'];

/** Failures of the cloud and of the way to it, as our own; undefined for a fault of this program. */
export function readable(thrown: unknown): EdgeError | undefined {
  if (thrown instanceof EdgeError) return thrown;
  const { cause, name, message, code, $fault, $metadata } = (thrown ?? {}) as {
    cause?: unknown;
    name?: string;
    message?: string;
    code?: string;
    $fault?: string;
    $metadata?: unknown;
  };
  if (cause instanceof EdgeError) return cause;
  if (code !== undefined && UNREACHABLE.includes(code)) {
    const expected = 'check the network, the region and AWS_ENDPOINT_URL; "sls edge doctor" says more';
    return new EdgeError('CLOUD_UNREACHABLE', message || `no connection (${code})`, {
      expected,
      cause: thrown,
    });
  }
  if (name === 'CredentialsProviderError') {
    const expected = 'set AWS_PROFILE or AWS_ACCESS_KEY_ID, or log in; "sls edge doctor" says more';
    return new EdgeError('CLOUD_ERROR', message, { expected, cause: thrown });
  }
  if ($fault === undefined && $metadata === undefined) return undefined;
  const expected = $fault === 'server' ? 'try again' : 'check credentials and permissions: sls edge doctor';
  return new EdgeError('CLOUD_ERROR', `${name ?? 'error'}: ${message ?? ''}`, { expected, cause: thrown });
}
