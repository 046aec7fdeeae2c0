import { UpdateFunctionCodeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { unlessMissing } from '../../lib/awsErrors';
import type { PackagedAgain } from './packager';

/**
 * Functions that run in the cloud, too, have a Lambda function of the stack: it gets the code that was
 * packaged again. One that cannot run here was left out of the stack.
 */
export async function updateCloudCode(
  lambda: LambdaClient,
  packages: readonly PackagedAgain[],
): Promise<void> {
  await Promise.all(
    packages.map(async ({ bytes, cloudFunction }) => {
      if (cloudFunction === undefined) return;
      const command = new UpdateFunctionCodeCommand({ FunctionName: cloudFunction, ZipFile: bytes });
      await unlessMissing(lambda.send(command));
    }),
  );
}
