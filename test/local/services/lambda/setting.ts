import {
  CreateFunctionCommand,
  InvokeCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
  type CreateFunctionCommandInput,
  type InvokeCommandInput,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLambda } from '../../../../local/services/lambda';
import type { Invocation, Lambda } from '../../../../local/services/lambda/types';
import {
  ACCOUNT,
  createTestCloud,
  gateClock,
  lambdaClient,
  PROCESS_SCRIPT,
  REGION,
  zipOf,
  type TestCloud,
} from './support';

/** Lambda with real function processes, and an SDK client of the operator. */
export const ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:`;
const HANDLER = `
  exports.handler = async (event, context) => {
    if (event.fail) throw new TypeError('no such luck');
    if (event.exit) process.exit(3);
    if (event.hang) await new Promise(() => setInterval(() => undefined, 1000));
    if (event.size) return 'x'.repeat(event.size);
    if (event.say) console.log(event.say);
    return { event, environment: process.env, name: context.functionName, version: context.functionVersion };
  };`;

export const clock = gateClock();
export const invocations: Invocation[] = [];
/** By `<bucket>/<key>`. */
export const objects = new Map<string, Buffer>();
export let cloud: TestCloud;
export let lambda: Lambda;
export let operator: LambdaClient;
export let role: string;
export let zip: Buffer;

export async function startLambda(): Promise<void> {
  cloud = await createTestCloud();
  // The project around may be an ES module; its functions are none for that.
  await writeFile(path.join(cloud.context.stateDir, 'package.json'), '{"type":"module"}');
  lambda = await createLambda(cloud.context, {
    functionHost: {
      processScript: PROCESS_SCRIPT,
      poolSize: 1,
      onLog: ({ key, text }) => cloud.context.log.debug({ function: key.split(':')[0], output: text }),
    },
    environment: () => ({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }),
    readObject: async (bucket, key) => {
      const found = objects.get(`${bucket}/${key}`);
      if (found === undefined) throw new Error('NoSuchKey');
      return found;
    },
    destinations: { putObject: async () => undefined },
    onInvocation: (invocation) => invocations.push(invocation),
    settleMs: 0,
    clock,
  });
  operator = lambdaClient(lambda, cloud.context.iam.operator);
  role = cloud.functionRole('worker', { Effect: 'Allow', Action: 'lambda:GetFunction', Resource: '*' });
  zip = await zipOf({ 'index.js': HANDLER, 'lib/deep/helper.js': '' });
}

export async function stopLambda(): Promise<void> {
  await lambda.close();
  await cloud.close();
}

export function props(
  name: string,
  change: Partial<CreateFunctionCommandInput> = {},
): CreateFunctionCommandInput {
  return {
    FunctionName: name,
    Role: role,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: zip },
    MemorySize: 256,
    Timeout: 60,
    ...change,
  };
}

export async function createActive(
  name: string,
  change: Partial<CreateFunctionCommandInput> = {},
): Promise<void> {
  await operator.send(new CreateFunctionCommand(props(name, change)));
  await waitUntilFunctionActiveV2(
    { client: operator, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.2 },
    { FunctionName: name },
  );
}

export async function waitUpdated(name: string): Promise<void> {
  await waitUntilFunctionUpdatedV2(
    { client: operator, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.2 },
    { FunctionName: name },
  );
}

export async function invoke(
  name: string,
  event: unknown = {},
  change: Partial<InvokeCommandInput> = {},
  client = operator,
): Promise<{ output: Record<string, unknown>; error: string | undefined; version: string | undefined }> {
  const answer = await client.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), ...change }),
  );
  return {
    output: JSON.parse(answer.Payload?.transformToString() ?? 'null') as Record<string, unknown>,
    error: answer.FunctionError,
    version: answer.ExecutedVersion,
  };
}

/** Output and result travel on different descriptors. */
export async function logged(text: string): Promise<void> {
  while (!cloud.logs.some(({ output }) => output === text)) await new Promise(setImmediate);
}

export const named = (name: string): object => expect.objectContaining({ name });
