/**
 * A device in a process of its own, driven over JSON lines: the native MQTT client is kept out of the
 * workers of jest and vitest. In: `{ id, method, args }`; out: `{ event: 'answer', id, value | error }`.
 * Its argument is the folder of the service.
 */
import { createInterface } from 'node:readline';
import type { ConnectOptions, EdgeClient, EdgeFunction } from 'serverless-edge-on-demand-device';
import { loadDevicePackage } from '../../operations/things/devicePackage';
import type { ErrorBody } from '../../protocol';

interface Call {
  id: number;
  method: string;
  args: unknown[];
}

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
    const loaded = loadDevicePackage(process.argv[2] ?? '.') as { EdgeClient: typeof EdgeClient };
    client = await loaded.EdgeClient.connect(options);
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
  send: async (name: string, input: unknown) => deployed(name).send(input),
  release: async (name: string) => deployed(name).release(),
  subscribe: async (topic: string) => {
    await connected().subscribe(topic, (payload, at) => say({ event: 'shared', topic: at, payload }));
  },
  prefetch: (name: string) => connected().prefetch(name),
};

function deployed(name: string): EdgeFunction {
  const found = functions.get(name);
  if (found === undefined) throw new Error(`this device has not deployed ${name}`);
  return found;
}

async function answer({ id, method, args }: Call): Promise<void> {
  try {
    const value = await (methods[method] as (...all: unknown[]) => Promise<unknown>)(...args);
    say({ event: 'answer', id, value: value ?? null });
  } catch (error) {
    say({ event: 'answer', id, error: bodyOf(error) });
  }
}

/** The client has error classes of its own build. */
function bodyOf(error: unknown): object {
  const { name, toJSON } = error as { name?: string; toJSON?: () => ErrorBody };
  if (name === 'EdgeError' && toJSON !== undefined) return toJSON.call(error);
  return { code: 'UNEXPECTED', message: String(error) };
}

createInterface({ input: process.stdin })
  .on('line', (line) => void answer(JSON.parse(line) as Call))
  .on('close', () => void Promise.resolve(client?.close()).finally(() => process.exit(0)));
