import type { Logger } from 'pino';
import type { PolicyDocument, PolicyStatement } from '../../base/context';
import { asList, evaluateConditions, type ConditionOutcome } from './conditions';
import { patternOf, type PolicyContext } from './wildcards';

export type Decision = 'allow' | 'deny' | 'implicitDeny';

export interface PolicyRequest {
  /** `s3:GetObject`; compared in any case. */
  action: string;
  /** ARN, or `*` for actions without a resource. */
  resource: string;
  /** Condition keys and policy variables. */
  context?: PolicyContext;
}

/** What is not listed changes the meaning of a statement, so it must not be passed over. */
const KNOWN_ELEMENTS = new Set([
  ...['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Principal', 'Condition'],
]);

/**
 * Evaluates statements as IAM does: an explicit Deny wins, then an Allow, else an implicit Deny. For
 * identity policies, IoT policies and, once filtered by principal, resource policies. What this
 * evaluation does not know (an operator, an element) never allows: it spoils an Allow, leaves a Deny
 * in force, and is logged. Source: IAM User Guide, "Policy evaluation logic".
 */
export function evaluatePolicies(
  statements: readonly PolicyStatement[],
  request: PolicyRequest,
  log?: Logger,
): Decision {
  let decision: Decision = 'implicitDeny';
  for (const statement of statements) {
    const outcome = appliesTo(statement, request, log);
    if (outcome === 'notMet') continue;
    if (statement.Effect === 'Deny') return 'deny';
    if (outcome === 'met') decision = 'allow';
  }
  return decision;
}

export function statementsOf(document: PolicyDocument | undefined): readonly PolicyStatement[] {
  return document === undefined ? [] : asList(document.Statement);
}

function appliesTo(statement: PolicyStatement, request: PolicyRequest, log?: Logger): ConditionOutcome {
  const { action, resource, context = {} } = request;
  const unsupported = (what: string): void => {
    log?.warn(
      { missing: what, action, resource },
      'policy evaluation does not support this; it allows nothing',
    );
  };
  const unknown = Object.keys(statement).filter((element) => !KNOWN_ELEMENTS.has(element));
  // Only what the statement could concern is worth a log line.
  const { Action, NotAction, Resource, NotResource } = statement;
  if (!concerns(Action, NotAction, (patterns) => matchesAny(patterns, action, context, 'i'))) return 'notMet';
  if (!concerns(Resource, NotResource, (patterns) => matchesAny(patterns, resource, context)))
    return 'notMet';
  const conditions = evaluateConditions(statement.Condition, context, unsupported);
  if (conditions === 'notMet') return 'notMet';
  for (const element of unknown) unsupported(`policy element ${element}`);
  return unknown.length > 0 ? 'unknown' : conditions;
}

function concerns(those: Patterns, allBut: Patterns, matches: (patterns: Patterns) => boolean): boolean {
  return allBut === undefined ? matches(those) : !matches(allBut);
}

type Patterns = string | string[] | undefined;

function matchesAny(patterns: Patterns, value: string, context: PolicyContext, flags = ''): boolean {
  if (patterns === undefined) return false;
  return asList(patterns).some((pattern) => patternOf(pattern, context, flags)?.test(value) ?? false);
}
