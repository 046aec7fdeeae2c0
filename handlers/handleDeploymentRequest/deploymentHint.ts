import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { DeploymentHint } from '../ports';

/** Invokes performDeployment asynchronously, since an S3 notification can take seconds. */
export function lambdaHint(lambda: LambdaClient, performDeployment: string): DeploymentHint {
  return async (group) => {
    await lambda.send(
      new InvokeCommand({
        FunctionName: performDeployment,
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify({ group })),
      }),
    );
  };
}
