/**
 * The closed set of error codes. Every failure anywhere in the product is one of these; each entry
 * says what happened, what the caller can do, the HTTP status that carries it, and whether the same
 * request may succeed later unchanged. `docs/errors.md` is generated from this table.
 */
export const ERROR_TABLE = {
  BAD_REQUEST: [
    400,
    false,
    'The message or document does not have the expected form.',
    'Correct the named field.',
  ],
  PAYLOAD_TOO_LARGE: [
    413,
    false,
    'The payload is over the limit of 128 KB.',
    'Send less, or pass a reference to the data.',
  ],
  RESULT_TOO_LARGE: [
    502,
    false,
    'The function returned more than 128 KB.',
    'Return less, or store the result and return a reference.',
  ],
  FORBIDDEN_TOPIC: [
    403,
    false,
    'This client may not use that topic.',
    'Publish and subscribe under your own thing name only.',
  ],
  UNKNOWN_DEVICE: [
    403,
    false,
    'No device of this edge presents that certificate.',
    'Add the device (sls edge device add) or check its certificate.',
  ],
  DEVICE_REVOKED: [403, false, 'The device was revoked.', 'Ask the operator for a new certificate.'],
  NOT_ENTITLED: [
    403,
    false,
    'This device may not use this function.',
    'Add the device to "devices" of the function.',
  ],
  NOT_PERMITTED: [
    403,
    false,
    'This function may not publish there or call that function.',
    'List the topic under "publishes", or the function under "invokes", of its configuration.',
  ],
  TOO_MANY_HOPS: [
    508,
    false,
    'Functions call each other more deeply than is allowed.',
    'Break the circle of functions that call each other.',
  ],
  CORE_NOT_AUTHORISED: [
    403,
    false,
    'This edge core may not act for that group.',
    'Check the group and the certificate of the core (sls edge core init).',
  ],
  FUNCTION_NOT_FOUND: [
    404,
    false,
    'No function of that name is registered.',
    'Check the name; list them with sls edge functions.',
  ],
  VERSION_NOT_FOUND: [
    404,
    false,
    'The function has no version that matches.',
    'Ask for another version or range.',
  ],
  GROUP_NOT_FOUND: [
    404,
    false,
    'No edge group of that name is defined.',
    'Deploy the service that defines the group.',
  ],
  REVISION_NOT_FOUND: [404, false, 'The group has no such revision.', 'Ask for the latest revision.'],
  NOT_FOUND: [404, false, 'There is nothing at that address.', 'Check the path.'],
  VERSION_CONFLICT: [
    409,
    false,
    'That version exists with other content.',
    'Raise "version" of the function (edge.functions.<name>.version), or leave it out.',
  ],
  LOCATION_NOT_ALLOWED: [
    403,
    false,
    'The function does not run at that location.',
    'Ask for one of the locations that it allows.',
  ],
  PLATFORM_NOT_SUPPORTED: [
    422,
    false,
    'This edge cannot run the function.',
    'Use an edge with the runtime and architecture that it requires.',
  ],
  FUNCTION_NOT_DEPLOYED: [
    404,
    false,
    'The function is not on this edge.',
    'Deploy it first, or invoke it with location "any".',
  ],
  NOT_OFFERED: [
    409,
    false,
    'There is no open offer with that request id.',
    'Send the request again before confirming.',
  ],
  EDGE_LIMIT_EXCEEDED: [
    507,
    true,
    'The edge has no room for the function.',
    'Release functions, or raise the limits of the group.',
  ],
  QUEUE_FULL: [
    429,
    true,
    'Too many calls of this function are waiting.',
    'Retry later with backoff, or raise "instances".',
  ],
  PACKAGE_INVALID: [
    422,
    false,
    'The function package is not a readable zip file.',
    'Build the package again and upload it.',
  ],
  PACKAGE_UNSAFE: [
    422,
    false,
    'The function package has an entry that leaves its own folder.',
    'Remove the entry that is named.',
  ],
  PACKAGE_TOO_LARGE: [
    422,
    false,
    'The function package is over a size limit.',
    'Bundle the function, leave out what it does not need.',
  ],
  CONFIG_MISSING: [
    422,
    false,
    'The function package does not say which function it is (edge.json at its top level).',
    'Package the service with the plugin, or add edge.json to a package of your own.',
  ],
  CONFIG_INVALID: [
    422,
    false,
    'The configuration does not have the expected form.',
    'Correct the named field of serverless.yml, or of the file that is named.',
  ],
  DIGEST_MISMATCH: [
    502,
    true,
    'The package does not have the digest that the definition names.',
    'Retry; if it stays, upload the package again.',
  ],
  HANDLER_NOT_FOUND: [
    422,
    false,
    'The package does not export the handler that is configured.',
    'Correct "handler" of the function (functions.<name>.handler).',
  ],
  FUNCTION_INIT_FAILED: [
    502,
    false,
    'The function failed while its module was loaded.',
    'Read the reason; correct the function.',
  ],
  FUNCTION_ERROR: [
    502,
    false,
    'The function threw an error.',
    'Read details.errorType and details.errorMessage.',
  ],
  FUNCTION_TIMED_OUT: [
    504,
    false,
    'The function ran longer than its timeout and was ended.',
    'Raise "timeout", or make the function faster.',
  ],
  FUNCTION_OUT_OF_MEMORY: [
    502,
    false,
    'The function used more than its memory and was ended.',
    'Raise "memory", or make the function use less.',
  ],
  FUNCTION_EXITED: [
    502,
    false,
    'The function ended its process.',
    'Do not call process.exit; catch what crashes.',
  ],
  DEPLOYMENT_FAILED: [
    502,
    false,
    'The deployment did not bring the function to the edge.',
    'Read the reason in details.',
  ],
  DEPLOYMENT_TIMED_OUT: [
    504,
    true,
    'The function was not ready on the edge in time.',
    'Ask again; the deployment may still complete.',
  ],
  CONFLICT: [409, true, 'Another writer was first, again and again.', 'Retry.'],
  CLOUD_UNREACHABLE: [
    503,
    true,
    'The edge has no connection to the cloud.',
    'Retry later; functions on the edge keep working.',
  ],
  CLOUD_ERROR: [502, true, 'The cloud answered with an error.', 'Retry; read details for the operator.'],
  TIMED_OUT: [504, true, 'No answer arrived in time.', 'Retry, or give a longer timeout.'],
  DISCONNECTED: [503, true, 'The connection to the edge is down.', 'Retry; the client reconnects by itself.'],
  EDGE_NOT_FOUND: [
    404,
    true,
    'No edge core could be found or reached.',
    'Check discovery and that the device is associated with a core.',
  ],
  ABORTED: [499, false, 'The caller gave up (AbortSignal).', 'Nothing to do.'],
  CLOSED: [499, false, 'The client or service was closed.', 'Connect again.'],
  UNSUPPORTED: [
    501,
    false,
    'This engine or platform cannot do that.',
    'Choose one that can; see docs/engines.md.',
  ],
  INTERNAL: [500, true, 'A fault of this product.', 'Report it with the logs of the request id.'],
} as const satisfies Record<
  string,
  readonly [status: number, retryable: boolean, meaning: string, action: string]
>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** The JSON form of an error, the same in MQTT replies and in HTTP bodies. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  /** Path of the offending field, dotted: `claims.0.version`. */
  field?: string;
  expected?: string;
  details?: Record<string, unknown>;
}

export interface ErrorExtras {
  field?: string;
  expected?: string;
  details?: Record<string, unknown>;
  cause?: unknown;
}

const BRAND = Symbol.for('serverless-edge-on-demand.EdgeError');

/**
 * The one error class of the product. Each bundle has a copy of its own, and what one throws another may
 * catch: `instanceof` is true for all of them.
 */
export class EdgeError extends Error {
  override readonly name = 'EdgeError';
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly field?: string;
  readonly expected?: string;
  readonly details?: Record<string, unknown>;

  constructor(code: ErrorCode, message?: string, extras: ErrorExtras = {}) {
    super(message ?? ERROR_TABLE[code][2], extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    if (extras.field !== undefined) this.field = extras.field;
    if (extras.expected !== undefined) this.expected = extras.expected;
    if (extras.details !== undefined) this.details = extras.details;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // Subclasses inherit this method, and are told apart as usual.
    if (this !== EdgeError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return value instanceof Error && BRAND in value;
  }

  get status(): number {
    return ERROR_TABLE[this.code][0];
  }

  /** Whether the same request may succeed later unchanged. */
  get retryable(): boolean {
    return ERROR_TABLE[this.code][1];
  }

  /** What the caller can do about it. */
  get action(): string {
    return ERROR_TABLE[this.code][3];
  }

  toJSON(): ErrorBody {
    const body: ErrorBody = { code: this.code, message: this.message };
    if (this.field !== undefined) body.field = this.field;
    if (this.expected !== undefined) body.expected = this.expected;
    if (this.details !== undefined) body.details = this.details;
    return body;
  }

  static fromJSON(body: unknown): EdgeError {
    const { code, message, field, expected, details } = (body ?? {}) as Partial<ErrorBody>;
    if (!isErrorCode(code)) {
      return new EdgeError('INTERNAL', typeof message === 'string' ? message : undefined);
    }
    return new EdgeError(code, message, {
      ...(field === undefined ? {} : { field }),
      ...(expected === undefined ? {} : { expected }),
      ...(details === undefined ? {} : { details }),
    });
  }

  /** Any thrown value as an EdgeError; what is not one already becomes `fallback`. */
  static from(thrown: unknown, fallback: ErrorCode = 'INTERNAL'): EdgeError {
    if (thrown instanceof EdgeError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new EdgeError(fallback, message, { cause: thrown });
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_TABLE, value);
}
