import path from 'node:path';
import {
  CreateFunctionCommand,
  GetFunctionEventInvokeConfigCommand,
  GetPolicyCommand,
  InvokeCommand,
  type LambdaClient,
  ListAliasesCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  ResourceNotFoundException,
  UpdateFunctionCodeCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { createLambda, type Lambda } from '../../../../local/services/lambda';
import { createTestCloud, gateClock, lambdaClient, PROCESS_SCRIPT, zipOf, type TestCloud } from './support';

/** Lambda is stopped and started again on the same folder; functions run in real processes. */
export let cloud: TestCloud;
export let lambda: Lambda;
export let operator: LambdaClient;
export let clock: ReturnType<typeof gateClock>;

export const FunctionName = 'kept';
export const GRANT = { Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' };
export const S3 = { service: 's3.amazonaws.com', sourceArn: 'arn:aws:s3:::uploads' };
export const named = (name: string): object => expect.objectContaining({ name });

/** Lambda with a folder of its own. */
export async function begin(): Promise<void> {
  cloud = await createTestCloud();
  await start();
}

export async function end(): Promise<void> {
  await stop();
  await cloud.close();
}

export async function start(): Promise<void> {
  clock = gateClock();
  lambda = await createLambda(cloud.context, {
    functionHost: { processScript: PROCESS_SCRIPT, poolSize: 1 },
    environment: () => ({}),
    readObject: () => Promise.reject(new Error('no objects here')),
    destinations: { putObject: async () => undefined },
    settleMs: 0,
    clock,
  });
  operator = lambdaClient(lambda, cloud.context.iam.operator);
}

export async function stop(): Promise<void> {
  operator.destroy();
  await lambda.close();
}

export async function restart(): Promise<void> {
  await stop();
  await start();
}

const packages = new Map<string, Buffer>();

/** A zip file tells when it was made: the same text is the same package. */
export async function code(text: string): Promise<Buffer> {
  const files = { 'index.js': `exports.handler = async () => '${text} ' + process.env.COLOUR;` };
  const bytes = packages.get(text) ?? (await zipOf(files));
  packages.set(text, bytes);
  return bytes;
}

export async function props(text = 'one') {
  return {
    FunctionName,
    Role: cloud.functionRole('worker'),
    Runtime: 'nodejs22.x' as const,
    Handler: 'index.handler',
    Environment: { Variables: { COLOUR: 'green' } },
    Code: { ZipFile: await code(text) },
  };
}

export const waiting = () => ({ client: operator, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.2 });

export async function create(): Promise<void> {
  await operator.send(new CreateFunctionCommand(await props()));
  await waitUntilFunctionActiveV2(waiting(), { FunctionName });
}

export async function updateCode(text: string): Promise<void> {
  await operator.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await code(text) }));
  await waitUntilFunctionUpdatedV2(waiting(), { FunctionName });
}

export const publish = () => operator.send(new PublishVersionCommand({ FunctionName }));

export async function invoke(Qualifier?: string): Promise<unknown> {
  const { Payload } = await operator.send(
    new InvokeCommand({ FunctionName, ...(Qualifier !== undefined && { Qualifier }) }),
  );
  return JSON.parse(Payload?.transformToString() ?? '');
}

export async function versions(): Promise<unknown> {
  const { Versions } = await operator.send(new ListVersionsByFunctionCommand({ FunctionName }));
  return Versions;
}

export async function state(): Promise<unknown> {
  const absent = (error: unknown): undefined => {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  };
  const policy = operator.send(new GetPolicyCommand({ FunctionName })).catch(absent);
  const config = operator.send(new GetFunctionEventInvokeConfigCommand({ FunctionName })).catch(absent);
  return {
    versions: await versions(),
    aliases: (await operator.send(new ListAliasesCommand({ FunctionName }))).Aliases,
    policy: (await policy)?.Policy,
    retries: (await config)?.MaximumRetryAttempts,
  };
}

export const folder = (name: string): string => path.join(cloud.context.stateDir, 'lambda', name);
