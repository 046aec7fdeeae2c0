import type { Logger } from 'pino';
import type { Exchange } from '../../protocol';
import type { EventDelivery } from './events';

/**
 * What every simulated service of the local cloud shares. A service is made by
 * `create<Name>(context)`, listens on its own free port of 127.0.0.1 and is closed by `close()`.
 */
export interface CloudContext {
  readonly account: string;
  readonly region: string;
  readonly host: string;
  readonly stateDir: string;
  readonly log: Logger;
  readonly iam: Iam;
  readonly events: Pick<EventDelivery, 'deliver' | 'idle'>;
  trace: (exchange: Exchange) => void;
}

export interface Service {
  readonly url: string;
  close(): Promise<void>;
}

/** Who signed a request. */
export interface Principal {
  /** `arn:aws:iam::<account>:root` for the operator, `arn:aws:sts::…:assumed-role/<role>/<session>` else. */
  arn: string;
  account: string;
  /** Undefined for the operator, who may do everything. */
  role?: { name: string; arn: string };
  sessionName?: string;
  accessKeyId: string;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** ISO 8601. */
  expiration?: string;
}

export interface PolicyStatement {
  Effect: 'Allow' | 'Deny';
  Action?: string | string[] | undefined;
  NotAction?: string | string[] | undefined;
  Resource?: string | string[] | undefined;
  NotResource?: string | string[] | undefined;
  Principal?: unknown;
  Condition?: Record<string, Record<string, string | string[]>> | undefined;
}

export interface PolicyDocument {
  Version?: string;
  Statement: PolicyStatement | PolicyStatement[];
}

/** The parts of an HTTP request that a signature covers. */
export interface SignedRequest {
  method: string;
  /** Path with query as received, undecoded. */
  url: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

export interface RoleDefinition {
  name: string;
  /** `arn:aws:iam::<account>:role/<name>` unless told. */
  arn?: string;
  assumeRolePolicy: PolicyDocument;
  policies: PolicyDocument[];
}

export interface Iam {
  readonly operator: Credentials;
  putRole(role: RoleDefinition): { arn: string };
  deleteRole(name: string): void;
  roleByArn(arn: string): RoleDefinition | undefined;
  /** Credentials of an assumed role; `service` must be allowed by its trust policy. Throws AwsError AccessDenied. */
  assumeRole(roleArn: string, sessionName: string, service: string, seconds?: number): Credentials;
  /** Verifies SigV4 (header or presigned query) really. Throws AwsError (403: SignatureDoesNotMatch, InvalidAccessKeyId, ExpiredToken …). */
  authenticate(request: SignedRequest, service: string): Promise<Principal>;
  /**
   * Throws AwsError AccessDeniedException unless the principal's policies (and `resourcePolicy`) allow it.
   * `conditions`: condition keys of this request beside the principal's own (`s3:prefix`).
   */
  authorize(
    principal: Principal,
    action: string,
    resource: string,
    resourcePolicy?: PolicyDocument,
    conditions?: Record<string, string | undefined>,
  ): void;
}

/** An error in the shape of AWS: each service renders it in its own protocol (XML, JSON). */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
    /** What the service's model gives the error beside its message: `resourceId`, `fields`, … */
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = code;
  }
}
