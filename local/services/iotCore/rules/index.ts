import type { Logger } from 'pino';
import { AwsError, type CloudContext } from '../../../base/context';
import type { IotArns } from '../arns';
import { routesOf, type RestCall, type RestRoute } from '../../../base/rest/service';
import { requireName } from '../registry/store';
import { topicMatches } from '../topics';
import { createAction, type ActionInput, type RuleAction, type RuleTargets } from './actions';
import { evaluateQuery, type RuleMessage } from './sql/evaluate';
import { parseRuleQuery } from './sql/parse';
import type { RuleQuery } from './sql/syntax';

export interface RuleInput {
  sql: string;
  actions: readonly ActionInput[];
  /** Runs when an action failed, over a description of the failure. */
  errorAction?: ActionInput;
  /** Only `2016-03-23` is supported; it is also what counts when nothing is said. */
  awsIotSqlVersion?: string;
  ruleDisabled?: boolean;
}

export interface Rules {
  put: (ruleName: string, input: RuleInput) => { arn: string };
  remove: (ruleName: string) => void;
  /** False when there is no such rule. */
  setDisabled: (ruleName: string, disabled: boolean) => boolean;
  /** Hands a published message to every rule whose filter and WHERE it meets. Never throws. */
  onMessage: (message: RuleMessage) => void;
  connect: (targets: RuleTargets) => void;
}

interface Rule {
  name: string;
  query: RuleQuery;
  actions: RuleAction[];
  errorAction: RuleAction | undefined;
  disabled: boolean;
}

const RULE_NAME = /^[a-zA-Z0-9_]{1,128}$/;
const SQL_VERSION = '2016-03-23';

export function createRules(cloud: CloudContext, arns: IotArns, log: Logger): Rules {
  const rules = new Map<string, Rule>();
  let targets: RuleTargets | undefined;

  function run(rule: Rule, message: RuleMessage): void {
    const selected = evaluateQuery(rule.query, message);
    if (selected === undefined) return;
    log.debug({ rule: rule.name, topic: message.topic, bytes: selected.length }, 'rule matched');
    for (const action of rule.actions) {
      cloud.events.deliver('iotRule', `${rule.name} ${action.kind} ${message.topic}`, () =>
        runAction(rule, action, message, selected, log),
      );
    }
  }

  return {
    put(ruleName, input) {
      requireName(ruleName, RULE_NAME, 'Rule name');
      requireSqlVersion(input.awsIotSqlVersion);
      const ruleArn = arns.of('rule', ruleName);
      const context = { cloud, ruleName, ruleArn, targets: () => targets };
      const rule: Rule = {
        name: ruleName,
        query: parseRuleQuery(input.sql),
        actions: input.actions.map((action) => createAction(action, context)),
        errorAction: input.errorAction && createAction(input.errorAction, context),
        disabled: input.ruleDisabled ?? false,
      };
      rules.set(ruleName, rule);
      return { arn: ruleArn };
    },
    remove: (ruleName) => void rules.delete(ruleName),
    setDisabled(ruleName, disabled) {
      const rule = rules.get(ruleName);
      if (rule !== undefined) rule.disabled = disabled;
      return rule !== undefined;
    },
    onMessage(message) {
      for (const rule of rules.values()) {
        if (!rule.disabled && topicMatches(rule.query.topicFilter, message.topic)) run(rule, message);
      }
    },
    connect: (given) => {
      targets = given;
    },
  };
}

/** A failure goes to the error action; without one it is logged, and the message is lost as on AWS. */
async function runAction(
  rule: Rule,
  action: RuleAction,
  message: RuleMessage,
  selected: Buffer,
  log: Logger,
): Promise<void> {
  try {
    await action.run(message, selected);
  } catch (error) {
    const about = { rule: rule.name, action: action.kind, resource: action.resource, topic: message.topic };
    log.error({ err: error, ...about, errorAction: rule.errorAction?.kind }, 'rule action failed');
    const failure = failureOf(rule, action, message, error);
    await rule.errorAction?.run(message, Buffer.from(JSON.stringify(failure)));
  }
}

/** AWS IoT developer guide, "Error handling (error action)", message format. */
function failureOf(rule: Rule, action: RuleAction, message: RuleMessage, error: unknown): unknown {
  return {
    ruleName: rule.name,
    topic: message.topic,
    clientId: message.clientId,
    base64OriginalPayload: message.payload.toString('base64'),
    failures: [
      {
        failedAction: action.kind === 's3' ? 'S3Action' : 'LambdaAction',
        failedResource: action.resource,
        errorMessage: error instanceof Error ? error.message : String(error),
      },
    ],
  };
}

function requireSqlVersion(version: string | undefined): void {
  if (version === undefined || version === SQL_VERSION) return;
  throw new AwsError(
    'SqlParseException',
    `AWS IoT SQL version ${version} is not supported by the local cloud; it has ${SQL_VERSION}`,
  );
}

/** Rules are made by CloudFormation; over the API they are switched on and off. */
export function ruleRoutes(rules: Pick<Rules, 'setDisabled'>, arns: IotArns): RestRoute[] {
  const route = routesOf('iot');
  const rule = (call: RestCall): string => arns.of('rule', call.param('ruleName'));
  const setDisabled = (call: RestCall, disabled: boolean): void => {
    const name = call.param('ruleName');
    if (rules.setDisabled(name, disabled)) return;
    // The API reference lists no other error for a rule that is not there.
    throw new AwsError('UnauthorizedException', `Access to TopicRule '${name}' was denied`, 401);
  };
  return [
    route('DisableTopicRule', 'POST /rules/{ruleName}/disable', rule, (call) => setDisabled(call, true)),
    route('EnableTopicRule', 'POST /rules/{ruleName}/enable', rule, (call) => setDisabled(call, false)),
  ];
}
