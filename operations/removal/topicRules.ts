import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { DisableTopicRuleCommand, EnableTopicRuleCommand, type IoTClient } from '@aws-sdk/client-iot';
import { statusOf, type OperatorConfig } from '../clients';

/** Logical ids of the rules that bring what cores send; a stack may have others of the user's own. */
const RULES = ['EdgeUpdateRule', 'EdgeStatusRule', 'EdgeLogRule'];

/** Names of the stack's rules for what cores send; CloudFormation gave them. */
export async function rulesOfStack(config: OperatorConfig, stackName: string): Promise<string[]> {
  const { client: common, region, credentials } = config;
  const client = new CloudFormationClient({ ...common, region, ...(credentials && { credentials }) });
  const names: string[] = [];
  try {
    const query = { StackName: stackName };
    for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, query)) {
      for (const { LogicalResourceId = '', PhysicalResourceId, ResourceStatus } of StackResourceSummaries) {
        if (!RULES.includes(LogicalResourceId) || ResourceStatus === 'DELETE_COMPLETE') continue;
        if (PhysicalResourceId) names.push(PhysicalResourceId);
      }
    }
  } finally {
    client.destroy();
  }
  return names;
}

/** Resolves with why a rule could not be disabled. */
export async function disableRules(iot: IoTClient, rules: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  for (const ruleName of rules) {
    try {
      await iot.send(new DisableTopicRuleCommand({ ruleName }));
    } catch (error) {
      if (!isRefused(error)) throw error;
      problems.push(`rule ${ruleName} still stores what cores send: ${(error as Error).message}`);
    }
  }
  return problems;
}

export async function enableRules(iot: IoTClient, rules: readonly string[]): Promise<void> {
  for (const ruleName of rules) {
    try {
      await iot.send(new EnableTopicRuleCommand({ ruleName }));
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }
}

/**
 * Without the right to it, or deleted by hand: AWS IoT answers both with UnauthorizedException. Source: AWS
 * IoT API reference, DisableTopicRule, which lists no error for a rule that is not there.
 */
function isRefused(error: unknown): boolean {
  return [401, 403, 404].includes(statusOf(error) ?? 0);
}
