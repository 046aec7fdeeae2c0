import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import pino from 'pino';
import { ZipFile } from 'yazl';
import type { FunctionCall, FunctionHost, FunctionSpec } from '../../../../runtime/types';
import type {
  CloudContext,
  Credentials,
  PolicyDocument,
  PolicyStatement,
} from '../../../../local/base/context';
import { EventDelivery } from '../../../../local/base/events';
import { createIam } from '../../../../local/services/iam';
import type { Clock } from '../../../../lib/clock';
import type { Lambda } from '../../../../local/services/lambda/types';

export const ACCOUNT = '123456789012';
/** Built by `npm test` before it runs. */
export const PROCESS_SCRIPT = path.resolve('dist/edge/functionProcess.cjs');
export const REGION = 'eu-central-1';

export interface TestCloud {
  context: CloudContext;
  /** Objects of what was logged. */
  logs: Record<string, unknown>[];
  /** Credentials of a role with exactly these statements. */
  userWith(...statements: PolicyStatement[]): Credentials;
  /** ARN of a new role that Lambda may assume, with exactly these statements. */
  functionRole(name: string, ...statements: PolicyStatement[]): string;
  close(): Promise<void>;
}

export async function createTestCloud(): Promise<TestCloud> {
  const stateDir = await mkdtemp(path.join(os.tmpdir(), 'edge-lambda-'));
  const logs: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => void logs.push(JSON.parse(line)) });
  const iam = createIam({ account: ACCOUNT, region: REGION, log });
  const events = new EventDelivery({ log });
  const trusting = (Service: string): PolicyDocument => ({
    Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*', Principal: { Service } },
  });
  let users = 0;
  return {
    context: {
      account: ACCOUNT,
      region: REGION,
      host: '127.0.0.1',
      stateDir,
      log,
      iam,
      events,
      trace: () => undefined,
    },
    logs,
    userWith(...Statement) {
      const name = `user-${++users}`;
      const service = 'credentials.iot.amazonaws.com';
      const { arn } = iam.putRole({ name, assumeRolePolicy: trusting(service), policies: [{ Statement }] });
      return iam.assumeRole(arn, `session-of-${name}`, service);
    },
    functionRole(name, ...Statement) {
      const assumeRolePolicy = trusting('lambda.amazonaws.com');
      return iam.putRole({ name, assumeRolePolicy, policies: [{ Statement }] }).arn;
    },
    async close() {
      await events.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

export function lambdaClient(lambda: Lambda, credentials: Credentials): LambdaClient {
  const { expiration: _text, ...rest } = credentials;
  return new LambdaClient({ endpoint: lambda.url, region: REGION, credentials: rest, maxAttempts: 1 });
}

/** A zip file of these texts. */
export async function zipOf(files: Record<string, string>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** FunctionHost in memory: functions by name, each called in this process. */
export function memoryHost(
  functions: Record<string, (event: unknown, spec: FunctionSpec, call: FunctionCall) => unknown>,
): FunctionHost & { running(): string[] } {
  const specs = new Map<string, FunctionSpec>();
  return {
    start: async (key, spec) => void specs.set(key, spec),
    async invoke(key, call) {
      const spec = specs.get(key);
      const run = spec && functions[spec.context.functionName];
      if (spec === undefined || run === undefined) throw new Error(`nothing runs as ${key}`);
      return { output: await run(call.event, spec, call), durationMs: 1 };
    },
    has: (key) => specs.has(key),
    stop: async (key) => void specs.delete(key),
    close: async () => specs.clear(),
    running: () => [...specs.keys()],
  };
}

/** A clock that a test moves; `waits` are the delays asked for. */
export function manualClock(): Clock & { advance(ms: number): void; waits: number[] } {
  let now = Date.UTC(2026, 0, 1);
  let timers: { at: number; callback: () => void }[] = [];
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    setTimeout(callback, ms) {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      waits.push(ms);
      return { cancel: () => void (timers = timers.filter((other) => other !== timer)) };
    },
    advance(ms) {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { callback } of due) callback();
    },
  };
}

/** The system's clock, except that `hold` keeps timers from firing until what it gives is called. */
export function gateClock(): Clock & { hold(): () => void } {
  let held: (() => void)[] | undefined;
  return {
    now: () => Date.now(),
    setTimeout(callback, ms) {
      if (held === undefined) {
        const timer = setTimeout(callback, ms);
        return { cancel: () => clearTimeout(timer) };
      }
      const waiting = held;
      waiting.push(callback);
      return { cancel: () => void waiting.splice(waiting.indexOf(callback), 1) };
    },
    hold() {
      const waiting: (() => void)[] = [];
      held = waiting;
      return () => {
        held = undefined;
        for (const callback of waiting) callback();
      };
    },
  };
}
