import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { FunctionHost } from '../../../runtime/types';
import type { CloudContext } from '../../base/context';
import { listen } from '../../base/http';
import { createApiHandler } from './api';
import { AsyncInvocations } from './asyncInvocations';
import { systemClock, type Clock } from '../../../lib/clock';
import { CodeFolder } from './code';
import { reportFailure } from './destinations';
import { FunctionFiles } from './functionFiles';
import { codeOf, type FunctionVersion } from './functionRecord';
import { Functions } from './functions';
import { createOwnHost, type HostOptions } from './host';
import { inProcess } from './inProcess';
import { Invoker } from './invoker';
import { buildFunctionArn, parseFunctionRef } from './names';
import { Runner } from './runner';
import type { Destinations, Invocation, Lambda } from './types';

export type { EventInvokeConfig, FunctionProps } from './props';
export * from './types';

export interface LambdaOptions {
  /** Runs the code: one of the caller's, which stays open, or the options of one of Lambda's own. */
  functionHost: FunctionHost | HostOptions;
  /** Given to every function, read at each cold start: `AWS_ENDPOINT_URL_*`. */
  environment(): Record<string, string>;
  /** Package of CreateFunction and UpdateFunctionCode with S3Bucket and S3Key. */
  readObject(bucket: string, key: string): Promise<Buffer>;
  destinations: Destinations;
  port?: number;
  onInvocation?(invocation: Invocation): void;
  /** How long a function stays Pending or InProgress, in milliseconds. */
  settleMs?: number;
  /** Milliseconds before the second and the third attempt of an asynchronous invocation. */
  retryDelaysMs?: readonly number[];
  throttleDelayMs?: number;
  /** Most instances of one version at once. */
  concurrency?: number;
  clock?: Clock;
}

/** Long enough that a caller that does not wait is refused, as it would be on AWS. */
const SETTLE_MS = 50;
const RETRY_DELAYS_MS = [60_000, 120_000];
const THROTTLE_DELAY_MS = 1_000;
const CONCURRENCY = 8;

/**
 * Starts Lambda on a free port of `context.host`, with the functions that an earlier run left in
 * `<stateDir>/lambda`. Events that were queued are not among them.
 */
export async function createLambda(context: CloudContext, options: LambdaOptions): Promise<Lambda> {
  const { clock = systemClock, environment, readObject } = options;
  const dir = path.join(context.stateDir, 'lambda');
  const code = new CodeFolder(path.join(dir, 'code'));
  const files = new FunctionFiles({
    dir: path.join(dir, 'functions'),
    code,
    log: context.log,
    arn: (name) => buildFunctionArn(context, { name }),
  });
  const survivors = files.load();
  await code.prepare(survivors.flatMap(codeOf));
  const own = 'invoke' in options.functionHost ? undefined : createOwnHost(context, options.functionHost);
  const host = own ?? (options.functionHost as FunctionHost);
  const runner = new Runner({
    context,
    host,
    environment,
    concurrency: options.concurrency ?? CONCURRENCY,
  });
  const retire = (versions: readonly FunctionVersion[]): void => {
    for (const version of new Set(versions)) runner.retire(version);
  };
  const settleMs = options.settleMs ?? SETTLE_MS;
  const functions = new Functions({
    context,
    clock,
    code,
    files,
    survivors,
    settleMs,
    readObject,
    retire,
  });
  const invoker = new Invoker({
    runner,
    ...(options.onInvocation && { onInvocation: options.onInvocation }),
  });
  const now = (): number => clock.now();
  const asyncInvocations = new AsyncInvocations({
    context,
    clock,
    invoker,
    find: (name) => functions.find(name),
    retryDelaysMs: options.retryDelaysMs ?? RETRY_DELAYS_MS,
    throttleDelayMs: options.throttleDelayMs ?? THROTTLE_DELAY_MS,
    onFailure: (record, failed, destination) =>
      reportFailure(
        { context, targets: options.destinations, now, invokeAsync: enqueueFor },
        record,
        failed,
        destination,
      ),
  });

  function enqueueFor(functionArn: string, event: unknown): void {
    const { name, qualifier } = parseFunctionRef(functionArn);
    asyncInvocations.enqueue({
      functionName: name,
      qualifier,
      requestId: randomUUID(),
      event,
      queuedAt: clock.now(),
    });
  }

  const server = await listen({
    host: context.host,
    ...(options.port !== undefined && { port: options.port }),
    log: context.log,
    handle: createApiHandler({ context, functions, invoker, asyncInvocations, now }),
  });
  return {
    url: server.url,
    ...inProcess({ context, functions, invoker, asyncInvocations, runner, now }),
    async close() {
      asyncInvocations.close();
      await server.close();
      await own?.close();
    },
  };
}
