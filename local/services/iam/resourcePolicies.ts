import type { Logger } from 'pino';
import type { PolicyDocument, PolicyStatement, Principal } from '../../base/context';
import { asList } from './conditions';
import { evaluatePolicies, statementsOf, type Decision, type PolicyRequest } from './evaluatePolicies';

export interface ServiceUse {
  /** `s3.amazonaws.com` */
  service: string;
  /** `lambda:InvokeFunction` */
  action: string;
  /** ARN of what is used: the function. */
  resource: string;
  /** ARN of what causes the use: the bucket, the rule. Condition key `aws:SourceArn`. */
  sourceArn?: string;
  /** Condition key `aws:SourceAccount`. */
  sourceAccount?: string;
}

/** Whether a resource policy (Lambda permissions, a trust policy) lets an AWS service do something. */
export function allowsService(policy: PolicyDocument | undefined, access: ServiceUse, log?: Logger): boolean {
  const statements = statementsOf(policy).filter((statement) => namesService(statement, access.service));
  const context = { 'aws:SourceArn': access.sourceArn, 'aws:SourceAccount': access.sourceAccount };
  const request = { action: access.action, resource: access.resource, context };
  return evaluatePolicies(statements, request, log) === 'allow';
}

/** A resource policy's say about a principal; its Allow is enough within one account. */
export function evaluateResourcePolicy(
  policy: PolicyDocument | undefined,
  principal: Principal,
  request: PolicyRequest,
  log?: Logger,
): Decision {
  const statements = statementsOf(policy).filter((statement) => namesPrincipal(statement, principal));
  return evaluatePolicies(statements, request, log);
}

/** Trust policies have no Resource: the role itself is meant. */
export function trustsService(
  trust: PolicyDocument,
  roleArn: string,
  { service, sourceAccount }: { service: string; sourceAccount: string },
  log?: Logger,
): boolean {
  const statements = statementsOf(trust).map((statement) => ({ ...statement, Resource: roleArn }));
  return allowsService(
    { Statement: statements },
    { service, action: 'sts:AssumeRole', resource: roleArn, sourceAccount },
    log,
  );
}

function namesService(statement: PolicyStatement, service: string): boolean {
  if (hasNotPrincipal(statement)) return true;
  const { Principal: named } = statement;
  return named === '*' || namesOf(named, 'Service').some((one) => one === service || one === '*');
}

function namesPrincipal(statement: PolicyStatement, principal: Principal): boolean {
  if (hasNotPrincipal(statement)) return true;
  const { Principal: named, Effect } = statement;
  const names = named === '*' ? ['*'] : namesOf(named, 'AWS');
  const own = new Set(['*', principal.arn, principal.role?.arn]);
  if (names.some((name) => own.has(name))) return true;
  // Naming the account hands the decision to its identity policies: it denies, but allows no role.
  const account = new Set([principal.account, `arn:aws:iam::${principal.account}:root`]);
  return Effect === 'Deny' && names.some((name) => account.has(name));
}

/** Not supported: kept, so that the evaluation sees the element and never allows by it. */
function hasNotPrincipal(statement: PolicyStatement): boolean {
  return 'NotPrincipal' in statement;
}

function namesOf(principal: unknown, kind: 'AWS' | 'Service'): readonly string[] {
  if (principal === null || typeof principal !== 'object') return [];
  const names = (principal as Record<string, unknown>)[kind];
  return asList(names).filter((name): name is string => typeof name === 'string');
}
