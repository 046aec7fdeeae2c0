import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import {
  AwsError,
  type Credentials,
  type Iam,
  type Principal,
  type RoleDefinition,
} from '../../base/context';
import { authenticate, type IssuedSession } from './authenticate';
import { evaluatePolicies, statementsOf } from './evaluatePolicies';
import { evaluateResourcePolicy, trustsService } from './resourcePolicies';

export { evaluatePolicies } from './evaluatePolicies';
export { allowsService } from './resourcePolicies';
export type { PolicyContext } from './wildcards';

export interface IamOptions {
  account: string;
  region: string;
  log: Logger;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Left out: fresh ones. */
  operator?: Credentials;
}

const DEFAULT_SESSION_SECONDS = 3600;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;

/**
 * Identity and access: roles, the credentials of their sessions, SigV4 verification and policy
 * evaluation. The operator may do everything.
 */
export function createIam(options: IamOptions): Iam {
  const { account, region, log, now = Date.now } = options;
  const operator = options.operator ?? newCredentials('AKIA');
  const roles = new Map<string, RoleDefinition>();
  const sessions = new Map<string, IssuedSession>([
    [operator.accessKeyId, { credentials: operator, principal: operatorPrincipal(account, operator) }],
  ]);
  const arnOf = ({ name, arn }: RoleDefinition): string => arn ?? `arn:aws:iam::${account}:role/${name}`;
  const roleByArn = (arn: string): RoleDefinition | undefined => {
    const role = roles.get(arn.slice(arn.lastIndexOf('/') + 1));
    return role !== undefined && arnOf(role) === arn ? role : undefined;
  };
  const authenticationContext = { region, now, log, session: (key: string) => sessions.get(key) };

  return {
    operator,
    putRole(role) {
      roles.set(role.name, role);
      return { arn: arnOf(role) };
    },
    deleteRole(name) {
      roles.delete(name);
    },
    roleByArn,
    assumeRole(roleArn, sessionName, service, seconds = DEFAULT_SESSION_SECONDS) {
      const role = roleByArn(roleArn);
      if (
        role === undefined ||
        !trustsService(role.assumeRolePolicy, roleArn, { service, sourceAccount: account }, log)
      ) {
        throw notTrusted(service, roleArn);
      }
      requireSessionName(sessionName);
      const expiration = new Date(now() + seconds * 1000).toISOString();
      const credentials = { ...newCredentials('ASIA'), sessionToken: secret(96), expiration };
      const principal = sessionPrincipal(account, role.name, roleArn, sessionName, credentials);
      forgetExpired(sessions, now());
      sessions.set(credentials.accessKeyId, { credentials, principal });
      return credentials;
    },
    authenticate: (request, service) => authenticate(authenticationContext, request, service),
    authorize(principal, action, resource, resourcePolicy, conditions = {}) {
      if (principal.role === undefined) return;
      const request = { action, resource, context: { ...principalContext(principal), ...conditions } };
      const policies = roles.get(principal.role.name)?.policies ?? [];
      const identity = evaluatePolicies(policies.flatMap(statementsOf), request, log);
      const resourceBased = evaluateResourcePolicy(resourcePolicy, principal, request, log);
      const denied = identity === 'deny' || resourceBased === 'deny';
      if (!denied && (identity === 'allow' || resourceBased === 'allow')) return;
      log.info({ principal: principal.arn, action, resource, explicit: denied }, 'access denied');
      throw accessDenied(principal, action, resource, denied);
    },
  };
}

function operatorPrincipal(account: string, { accessKeyId }: Credentials): Principal {
  return { arn: `arn:aws:iam::${account}:root`, account, accessKeyId };
}

function sessionPrincipal(
  account: string,
  roleName: string,
  roleArn: string,
  sessionName: string,
  { accessKeyId }: Credentials,
): Principal {
  return {
    arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${sessionName}`,
    account,
    role: { name: roleName, arn: roleArn },
    sessionName,
    accessKeyId,
  };
}

function principalContext(principal: Principal): Record<string, string> {
  return {
    'aws:PrincipalArn': principal.role?.arn ?? principal.arn,
    'aws:PrincipalAccount': principal.account,
    'aws:PrincipalType': 'AssumedRole',
    // Loopback stands for the TLS of the real endpoint: a policy that asks for TLS means the network.
    'aws:SecureTransport': 'true',
  };
}

/** Credentials of ended sessions would add up; an expired key is answered as such for a day. */
function forgetExpired(sessions: Map<string, IssuedSession>, now: number): void {
  const limit = now - 24 * 3600 * 1000;
  for (const [key, { credentials }] of sessions) {
    if (credentials.expiration !== undefined && Date.parse(credentials.expiration) < limit)
      sessions.delete(key);
  }
}

function newCredentials(prefix: 'AKIA' | 'ASIA'): { accessKeyId: string; secretAccessKey: string } {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const suffix = Array.from(randomBytes(16), (byte) => alphabet.charAt(byte % 32)).join('');
  return { accessKeyId: prefix + suffix, secretAccessKey: secret(30) };
}

function secret(bytes: number): string {
  return randomBytes(bytes).toString('base64');
}

function requireSessionName(sessionName: string): void {
  if (SESSION_NAME.test(sessionName)) return;
  throw new AwsError('ValidationError', 'The session name must match [\\w+=,.@-]{2,64}.', 400);
}

function notTrusted(service: string, roleArn: string): AwsError {
  const message = `User: ${service} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
  return new AwsError('AccessDenied', message, 403);
}

function accessDenied(principal: Principal, action: string, resource: string, explicit: boolean): AwsError {
  const reason = explicit
    ? 'with an explicit deny in a policy'
    : `because no policy allows the ${action} action`;
  return new AwsError(
    'AccessDeniedException',
    `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
    403,
  );
}
