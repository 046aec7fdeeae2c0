import { z } from 'zod';
import { AwsError, type CloudContext, type Principal } from '../../../base/context';
import type { RuleMessage } from './sql/evaluate';
import { fillTemplate, parseTemplate, type Template } from './template';

/** The services that actions use. */
export interface RuleTargets {
  /** Throws what the service answers, also when its policy does not let the rule in. */
  invokeLambda(
    functionArn: string,
    caller: { service: string; sourceArn: string },
    payload: Buffer,
    mode: 'async',
  ): Promise<unknown>;
  putObject(bucket: string, key: string, body: Buffer): Promise<unknown>;
}
export type ConnectRules = (targets: RuleTargets) => void;

/** The form of the API (and, with a capital letter first, of CloudFormation). Others are refused by name. */
export const actionSchema = z.union([
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

export interface ActionContext {
  cloud: CloudContext;
  ruleName: string;
  ruleArn: string;
  targets(): RuleTargets | undefined;
}

/** Throws InvalidRequestException for an action that the local cloud does not have, SqlParseException. */
export function createAction(input: unknown, context: ActionContext): RuleAction {
  const parsed = actionSchema.safeParse(input);
  if (!parsed.success) {
    const kinds = Object.keys((input ?? {}) as object).join(', ') || 'none';
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

interface S3Input {
  bucketName: string;
  key: string;
  roleArn: string;
}

function s3Action(input: S3Input, context: ActionContext): RuleAction {
  const bucket = parseTemplate(input.bucketName);
  const key = parseTemplate(input.key);
  return {
    kind: 's3',
    resource: input.bucketName,
    run: (message, selected) =>
      putObject({ bucket, key, roleArn: input.roleArn }, message, selected, context),
  };
}

async function putObject(
  to: { bucket: Template; key: Template; roleArn: string },
  message: RuleMessage,
  selected: Buffer,
  context: ActionContext,
): Promise<void> {
  const bucket = fillTemplate(to.bucket, message);
  const key = fillTemplate(to.key, message);
  const principal = assumeRole(to.roleArn, context);
  context.cloud.iam.authorize(principal, 's3:PutObject', `arn:aws:s3:::${bucket}/${key}`);
  await required(context).putObject(bucket, key, selected);
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
  try {
    JSON.parse(selected.toString('utf8'));
    return selected;
  } catch {
    return Buffer.from(JSON.stringify(selected.toString('base64')));
  }
}
