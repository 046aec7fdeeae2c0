import { EdgeError } from '../protocol';
import type { Serverless } from './framework';

/** The framework shows its own error class without a stack: what went wrong, and what to do. */
export function frameworkError(
  serverless: Pick<Serverless, 'classes'>,
  error: EdgeError,
  advice: string = error.action,
): Error {
  const shown = new serverless.classes.Error(`${messageOf(error)}\n→ ${advice}`, `EDGE_${error.code}`);
  // A command that packages answers in JSON with the error itself.
  return Object.assign(shown, { cause: error });
}

/** What a function threw has a type, too. */
function messageOf({ message, details }: EdgeError): string {
  const type = details?.['errorType'];
  return typeof type === 'string' ? `${type}: ${message}` : message;
}

/** What a user of a command can do about it. */
export function adviceOf(error: EdgeError): string {
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
