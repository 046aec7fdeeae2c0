/**
 * A device in a process of its own, driven by a test over JSON lines: the native MQTT client is kept
 * out of jest's workers. In: `{ id, method, args }`; out: `{ event: 'answer', id, value | error }`.
 */
import { createInterface } from 'node:readline';
import {
  EdgeClient,
  EdgeError,
  type ConnectOptions,
  type EdgeFunction,
} from 'serverless-edge-on-demand-device';

type Call = { id: number; method: string; args: unknown[] };

let client: EdgeClient | undefined;
const functions = new Map<string, EdgeFunction>();

function connected(): EdgeClient {
  if (client === undefined) throw new Error('call connect first');
  return client;
}

function say(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const methods: Record<string, (...args: never[]) => Promise<unknown>> = {
  connect: async (options: ConnectOptions) => {
    client = await EdgeClient.connect(options);
    client.on('failed', ({ requestId, error }) => say({ event: 'failed', requestId, error: error.toJSON() }));
  },
  deploy: async (name: string, options: Record<string, unknown> = {}) => {
    const onProgress = (progress: unknown): void => say({ event: 'progress', name, progress });
    const found = await connected().deploy(name, { ...options, onProgress });
    functions.set(name, found);
    return { name, version: found.version };
  },
  invoke: (name: string, input: unknown, options: Record<string, unknown> = {}) =>
    connected().invoke(name, input, options),
  invokeReported: async (name: string, input: unknown, options: Record<string, unknown> = {}) => {
    let report: unknown;
    const onReport = (given: unknown): void => void (report = given);
    const output = await connected().invoke(name, input, { ...options, onReport });
    return { output, report };
  },
  send: async (name: string, input: unknown) => functions.get(name)?.send(input),
  release: async (name: string) => functions.get(name)?.release(),
  subscribe: async (topic: string) => {
    await connected().subscribe(topic, (payload, at) => say({ event: 'shared', topic: at, payload }));
  },
  prefetch: (name: string) => connected().prefetch(name),
  close: async () => client?.close(),
};

async function answer({ id, method, args }: Call): Promise<void> {
  try {
    const value = await (methods[method] as (...all: unknown[]) => Promise<unknown>)(...args);
    say({ event: 'answer', id, value: value ?? null });
  } catch (error) {
    const body = error instanceof EdgeError ? error.toJSON() : { code: 'UNEXPECTED', message: String(error) };
    say({ event: 'answer', id, error: body });
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => void answer(JSON.parse(line) as Call))
  .on('close', () => void client?.close().then(() => process.exit(0)));
say({ event: 'started' });
