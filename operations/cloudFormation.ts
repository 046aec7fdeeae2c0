import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { EdgeError } from '../protocol';
import { clientConfig, type OperatorConfig } from './clients';

export interface StackOutputs {
  stackName: string;
  /** `arn:<partition>:cloudformation:<region>:<account>:stack/…` */
  stackId: string;
  outputs: Record<string, string>;
}

/** Outputs of a deployed stack. Throws NOT_FOUND when there is no such stack. */
export async function readStackOutputs(config: OperatorConfig, stackName: string): Promise<StackOutputs> {
  const cloudFormation = new CloudFormationClient(clientConfig(config));
  try {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
    const stack = Stacks[0];
    const outputs = stack?.Outputs ?? [];
    return {
      stackName,
      stackId: stack?.StackId ?? '',
      outputs: Object.fromEntries(
        outputs.flatMap(({ OutputKey, OutputValue }) => (OutputKey ? [[OutputKey, OutputValue ?? '']] : [])),
      ),
    };
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new EdgeError('NOT_FOUND', `no stack ${stackName} in ${config.region}`, {
      expected: 'run "sls deploy" first; "sls edge dev" and --local need no deployment',
      cause: error,
    });
  } finally {
    cloudFormation.destroy();
  }
}

/** CloudFormation has no error code for it. */
function isMissing(error: unknown): boolean {
  const { name, message } = error as { name?: string; message?: string };
  return name === 'ValidationError' && /does not exist/.test(message ?? '');
}

/** Logical ids of the rules that bring what cores send; a stack may have others of the user's own. */
const RULES = ['EdgeUpdateRule', 'EdgeStatusRule', 'EdgeLogRule'];

/** Names of the stack's rules for what cores send; CloudFormation gave them. */
export async function rulesOfStack(config: OperatorConfig, stackName: string): Promise<string[]> {
  const client = new CloudFormationClient(clientConfig(config));
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
