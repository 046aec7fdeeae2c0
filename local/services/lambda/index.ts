import path from 'node:path';
import { systemClock, type Clock } from '../../../lib/clock';
import type { FunctionHost } from '../../../runtime/types';
import { AwsError, type CloudContext } from '../../base/context';
import { listen } from '../../base/http';
import { createRestService } from '../../base/rest/service';
import { Access } from './api/access';
import { attachmentRoutes } from './api/attachmentRoutes';
import { functionRoutes } from './api/functionRoutes';
import { invokeRoute } from './api/invokeRoute';
import { AsyncInvocations } from './asyncInvocations';
import { CodeFolder } from './code';
import { FunctionFiles } from './functionFiles';
import { startFunctionHost, type CloudFunctionHostOptions } from './functionHost';
import { codeOf } from './functionRecord';
import { Functions } from './functions';
import { Invoker } from './invoker';
import { buildFunctionArn } from './names';
import { Runner } from './runner';
import { LambdaService, type LambdaParts } from './service';
import type { Destinations, Invocation, Lambda } from './types';

export type { FunctionProps } from './props';
export * from './types';

export interface LambdaOptions {
  /** Runs the code: one of the caller's, which stays open, or the options of one of Lambda's own. */
  functionHost: FunctionHost | CloudFunctionHostOptions;
  /** Where packages are unpacked; `<stateDir>/lambda/code` unless told. */
  codeDir?: string;
  /** Given to every function, read at each cold start: `AWS_ENDPOINT_URL_*`. */
  environment: () => Record<string, string>;
  /** Package of CreateFunction and UpdateFunctionCode with S3Bucket and S3Key. */
  readObject: (bucket: string, key: string) => Promise<Buffer>;
  destinations: Destinations;
  port?: number;
  onInvocation?: (invocation: Invocation) => void;
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
  const { functionHost } = options;
  const own = 'invoke' in functionHost ? undefined : startFunctionHost(context.log, functionHost);
  try {
    const parts = await assemble(context, options, own ?? (functionHost as FunctionHost));
    const server = await listen({
      host: context.host,
      port: options.port ?? 0,
      log: context.log,
      handle: createApi(parts, options.clock ?? systemClock),
    });
    const close = async (): Promise<void> => {
      parts.asyncInvocations.close();
      await server.close();
      await own?.close();
    };
    return new LambdaService({ ...parts, url: server.url, close });
  } catch (error) {
    await own?.close();
    throw error;
  }
}

type Inner = Omit<LambdaParts, 'url' | 'close'>;

async function assemble(context: CloudContext, options: LambdaOptions, host: FunctionHost): Promise<Inner> {
  const { clock = systemClock, environment, readObject, onInvocation, destinations } = options;
  const { log } = context;
  const dir = path.join(context.stateDir, 'lambda');
  const code = new CodeFolder(options.codeDir ?? path.join(dir, 'code'));
  const arn = (name: string): string => buildFunctionArn(context, { name });
  const files = new FunctionFiles({ dir: path.join(dir, 'functions'), code, log, arn });
  const survivors = files.load();
  await code.prepare(survivors.flatMap(codeOf));
  const runner = new Runner({
    ...{ context, host, environment },
    concurrency: options.concurrency ?? CONCURRENCY,
  });
  const functions = new Functions({
    ...{ context, clock, code, files, survivors, readObject },
    settleMs: options.settleMs ?? SETTLE_MS,
    retire(versions) {
      for (const version of new Set(versions)) runner.retire(version);
    },
  });
  const invoker = new Invoker({ runner, onInvocation });
  const asyncInvocations = new AsyncInvocations({
    ...{ context, clock, invoker, destinations },
    find: (name) => functions.find(name),
    retryDelaysMs: options.retryDelaysMs ?? RETRY_DELAYS_MS,
    throttleDelayMs: options.throttleDelayMs ?? THROTTLE_DELAY_MS,
  });
  return { context, functions, invoker, asyncInvocations, runner };
}

/** The wire API of Lambda: REST-JSON with SigV4, as `@aws-sdk/client-lambda` speaks it. */
function createApi(parts: Inner, clock: Clock) {
  const { context, functions } = parts;
  const { log } = context;
  const access = new Access(context, functions);
  return createRestService({
    cloud: context,
    signingName: 'lambda',
    routes: [
      ...functionRoutes(functions, access),
      ...attachmentRoutes(access, () => clock.now()),
      invokeRoute({ ...parts, access }),
    ],
    log,
    badPathCode: 'InvalidParameterValueException',
    unknownOperation(what) {
      log.warn({ missing: what }, 'the local Lambda does not have this operation');
      return new AwsError('NotImplementedException', `The local Lambda does not have ${what}.`, 501);
    },
  });
}
