import { PublishVersionCommand, ResourceNotFoundException, type LambdaClient } from '@aws-sdk/client-lambda';
import { EdgeError } from '../../../protocol';
import { V1_SYSTEM_FUNCTIONS, type V1SystemFunction } from '../../../protocol/greengrassV1';

export interface GreengrassV1Settings {
  corePrefix: string;
  devicePrefix: string;
  /** `arn:aws:iot:<region>:<account>:thing/` */
  thingArnPrefix: string;
  /** HTTP API of the service, for the system functions on the core. */
  httpUrl: string;
  /** What the group logs where nobody set anything; left out, the group gets no logger definition. */
  logging?: { level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL'; spaceKb: number };
}

/** Qualified ARNs: Greengrass V1 takes versions and aliases only. */
export type SystemFunctionArns = Record<V1SystemFunction, string>;

/**
 * The edge system functions of the stack, which are Lambda functions of these names, as versions.
 * Publishing code that has a version already makes none: Lambda answers the one that is there.
 */
export function publishedSystemFunctions(
  lambda: LambdaClient,
  names: Readonly<Record<V1SystemFunction, string>>,
): () => Promise<SystemFunctionArns> {
  const publish = async (name: V1SystemFunction): Promise<readonly [V1SystemFunction, string]> => {
    const FunctionName = names[name];
    try {
      const { FunctionArn, Version } = await lambda.send(new PublishVersionCommand({ FunctionName }));
      if (FunctionArn === undefined || Version === undefined) throw new Error(`${FunctionName}: no version`);
      return [name, `${FunctionArn.split(':').slice(0, 7).join(':')}:${Version}`];
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      throw new EdgeError('DEPLOYMENT_FAILED', `no Lambda function ${FunctionName}`, {
        expected: 'the edge system functions in the stack: deploy the service with engine greengrass',
      });
    }
  };
  return async () =>
    Object.fromEntries(await Promise.all(V1_SYSTEM_FUNCTIONS.map(publish))) as SystemFunctionArns;
}
