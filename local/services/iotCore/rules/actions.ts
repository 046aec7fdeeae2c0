import { z } from 'zod';
import { tryParseJson } from '../../../../lib/json';
import { AwsError, type CloudContext, type Principal } from '../../../base/context';
import { evaluateExpression, type RuleMessage } from './sql/evaluate';
import { parseExpression } from './sql/parse';
import type { Expression } from './sql/syntax';

/** The services that actions use. */
export interface RuleTargets {
  /** Throws what the service answers, also when its policy does not let the rule in. */
  invokeLambda: (
    functionArn: string,
    caller: { service: string; sourceArn: string },
    payload: Buffer,
    mode: 'async',
  ) => Promise<unknown>;
  putObject: (bucket: string, key: string, body: Buffer) => Promise<unknown>;
}

/** The form of the API (and, with a capital letter first, of CloudFormation). Others are refused by name. */
const actionSchema = z.union([
  z.strictObject({ lambda: z.strictObject({ functionArn: z.string().min(1) }) }),
  z.strictObject({
    s3: z.strictObject({ bucketName: z.string().min(1), key: z.string().min(1), roleArn: z.string().min(1) }),
  }),
]);
export type ActionInput = z.infer<typeof actionSchema>;

/** One action of a rule, ready to run. */
export interface RuleAction {
  kind: 'lambda' | 's3';
  /** What it acts upon, for logs and error actions. */
  resource: string;
  run(message: RuleMessage, selected: Buffer): Promise<void>;
}

interface ActionContext {
  cloud: CloudContext;
  ruleName: string;
  ruleArn: string;
  targets(): RuleTargets | undefined;
}

/** Throws InvalidRequestException for an action that the local cloud does not have, SqlParseException. */
export function createAction(input: unknown, context: ActionContext): RuleAction {
  const parsed = actionSchema.safeParse(input);
  if (!parsed.success) {
    const kinds = Object.keys(input ?? {}).join(', ') || 'none';
    throw new AwsError(
      'InvalidRequestException',
      `Rule ${context.ruleName}: this action is not supported by the local cloud (it has lambda { functionArn } and s3 { bucketName, key, roleArn }): ${kinds}`,
    );
  }
  return 'lambda' in parsed.data
    ? lambdaAction(parsed.data.lambda, context)
    : s3Action(parsed.data.s3, context);
}

function lambdaAction({ functionArn }: { functionArn: string }, context: ActionContext): RuleAction {
  return {
    kind: 'lambda',
    resource: functionArn,
    async run(_message, selected) {
      const caller = { service: 'iot.amazonaws.com', sourceArn: context.ruleArn };
      await required(context).invokeLambda(functionArn, caller, jsonOf(selected), 'async');
    },
  };
}

function s3Action(
  { bucketName, key, roleArn }: { bucketName: string; key: string; roleArn: string },
  context: ActionContext,
): RuleAction {
  const [bucketPattern, keyPattern] = [parseSubstitution(bucketName), parseSubstitution(key)];
  return {
    kind: 's3',
    resource: bucketName,
    async run(message, selected) {
      const bucket = fillSubstitution(bucketPattern, message);
      const filled = fillSubstitution(keyPattern, message);
      const principal = assumeRole(roleArn, context);
      context.cloud.iam.authorize(principal, 's3:PutObject', `arn:aws:s3:::${bucket}/${filled}`);
      await required(context).putObject(bucket, filled, selected);
    },
  };
}

/** The role must trust AWS IoT; the session is the rule's. */
function assumeRole(roleArn: string, { cloud, ruleName }: ActionContext): Principal {
  const sessionName = ruleName.slice(0, 64).padEnd(2, '_');
  const { accessKeyId } = cloud.iam.assumeRole(roleArn, sessionName, 'iot.amazonaws.com');
  const name = roleArn.slice(roleArn.lastIndexOf('/') + 1);
  return {
    arn: `arn:aws:sts::${cloud.account}:assumed-role/${name}/${sessionName}`,
    account: cloud.account,
    role: { name, arn: roleArn },
    sessionName,
    accessKeyId,
  };
}

function required(context: ActionContext): RuleTargets {
  const targets = context.targets();
  if (targets === undefined) throw new Error('the services that actions use are not connected yet');
  return targets;
}

/** Lambda takes JSON; bytes that are none arrive as a base64 string. */
function jsonOf(selected: Buffer): Buffer {
  return tryParseJson(selected) === undefined
    ? Buffer.from(JSON.stringify(selected.toString('base64')))
    : selected;
}

/** Text with `${expression}` in it, evaluated over the message that came in, not over what was selected. */
export type Substitution = readonly (string | Expression)[];

/** Throws SqlParseException for an expression that the local cloud does not understand. */
export function parseSubstitution(text: string): Substitution {
  return text
    .split(/(\$\{[^}]*\})/)
    .filter((part) => part !== '')
    .map((part) => (part.startsWith('${') && part.endsWith('}') ? parseExpression(part.slice(2, -1)) : part));
}

/** Throws when the message has no value for an expression: what would be written there is no name. */
export function fillSubstitution(substitution: Substitution, message: RuleMessage): string {
  return substitution
    .map((part) => {
      if (typeof part === 'string') return part;
      const value = evaluateExpression(part, message);
      if (value === undefined) throw new Error(`the message has no ${describe(part)}`);
      return typeof value === 'string' ? value : JSON.stringify(value);
    })
    .join('');
}

function describe(expression: Expression): string {
  if (expression.kind === 'field') return `field ${expression.path.join('.')}`;
  return expression.kind === 'call' ? `${expression.name}() here` : 'JSON payload';
}
