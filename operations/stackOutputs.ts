import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { EdgeError } from '../protocol';
import type { OperatorConfig } from './clients';

export interface StackOutputs {
  stackName: string;
  /** `arn:<partition>:cloudformation:<region>:<account>:stack/…` */
  stackId: string;
  outputs: Record<string, string>;
}

/** Outputs of a deployed stack. Throws NOT_FOUND when there is no such stack. */
export async function readStackOutputs(config: OperatorConfig, stackName: string): Promise<StackOutputs> {
  const { client, region, credentials } = config;
  const cloudFormation = new CloudFormationClient({
    ...client,
    region,
    ...(credentials === undefined ? {} : { credentials }),
  });
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
    throw new EdgeError('NOT_FOUND', `no stack ${stackName} in ${region}`, {
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
