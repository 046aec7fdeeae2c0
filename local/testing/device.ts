import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type {
  ConnectOptions,
  DeployOptions,
  InvokeOptions,
  InvokeReport,
  ProgressStage,
} from 'serverless-edge-on-demand-device';
import { EdgeError, type ErrorBody } from '../../protocol';
import { projectRoot } from '../dev/folders';
import { forgetChild, registerChild } from '../dev/interruption';
import type { LocalDevice } from './types';

interface Answer {
  event: string;
  id: number;
  value?: unknown;
  error?: ErrorBody;
}

type CallOptions = Omit<InvokeOptions, 'signal' | 'onReport'>;

const PROGRAM = 'dist/local/device.cjs';
const CLOSE_MS = 5_000;
const ENDED = (): EdgeError => new EdgeError('CLOSED', 'the device process ended');

/** Drives a device client that runs in a process of its own (deviceAgent.ts). */
export class DeviceProcess implements LocalDevice {
  private readonly child: ChildProcess;
  private readonly open = new Map<number, (answer: Answer) => void>();
  private next = 1;
  private ended = false;
  readonly progress: { name: string; stage: string }[] = [];
  private readonly progressWaiters = new Map<string, () => void>();
  readonly shared: { topic: string; payload: unknown }[] = [];
  private readonly sharedWaiters: (() => void)[] = [];
  private readonly failures = new Map<string, ErrorBody>();
  private readonly failureWaiters = new Map<string, (error: ErrorBody) => void>();

  /** With the device client that the service has installed. Throws NOT_FOUND before a build. */
  constructor(serviceDir: string) {
    const program = join(projectRoot(), PROGRAM);
    if (!existsSync(program)) throw new EdgeError('NOT_FOUND', `${program} is not built: npm run build`);
    this.child = spawn(process.execPath, [program, serviceDir], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    registerChild(this.child);
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.handle(line),
    );
    // What is on its way to a process that ended is answered by `failAll`.
    this.child.stdin?.on('error', () => undefined);
    this.child.once('exit', () => this.failAll());
  }

  connect(options: ConnectOptions): Promise<unknown> {
    return this.call('connect', options);
  }

  deploy(
    name: string,
    options: Omit<DeployOptions, 'signal' | 'onProgress'> = {},
  ): Promise<{ name: string; version: string }> {
    return this.call('deploy', name, options) as Promise<{ name: string; version: string }>;
  }

  invoke(name: string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.call('invoke', name, input, options);
  }

  invokeReported(
    name: string,
    input?: unknown,
    options: CallOptions = {},
  ): Promise<{ output: unknown; report: InvokeReport }> {
    const answer = this.call('invokeReported', name, input, options);
    return answer as Promise<{ output: unknown; report: InvokeReport }>;
  }

  /** Only of a function that this device has deployed. */
  send(name: string, input?: unknown): Promise<{ requestId: string }> {
    return this.call('send', name, input) as Promise<{ requestId: string }>;
  }

  /** The client's event `failed` with this request id: it came already, or is waited for. */
  failureOf(requestId: string): Promise<EdgeError> {
    const known = this.failures.get(requestId);
    const body = known ?? new Promise<ErrorBody>((resolve) => this.failureWaiters.set(requestId, resolve));
    return Promise.resolve(body).then((error) => EdgeError.fromJSON(error));
  }

  /** Resolves when a deployment of that name first gets to that stage. */
  reached(name: string, stage: ProgressStage): Promise<void> {
    if (this.progress.some((each) => each.name === name && each.stage === stage)) return Promise.resolve();
    return new Promise((resolve) => this.progressWaiters.set(`${name} ${stage}`, resolve));
  }

  release(name: string): Promise<unknown> {
    return this.call('release', name);
  }

  /** What functions publish there can be waited for with `heard`. */
  subscribe(topic: string): Promise<unknown> {
    return this.call('subscribe', topic);
  }

  /** The first payload that comes on this topic, or came already. */
  async heard(topic: string): Promise<unknown> {
    for (;;) {
      const found = this.shared.find((message) => message.topic === topic);
      if (found !== undefined) return found.payload;
      await new Promise<void>((resolve) => this.sharedWaiters.push(resolve));
    }
  }

  prefetch(name: string): Promise<unknown> {
    return this.call('prefetch', name);
  }

  async close(): Promise<void> {
    if (this.ended) return;
    const exited = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.stdin?.end();
    const forced = setTimeout(() => this.child.kill('SIGKILL'), CLOSE_MS);
    await exited;
    clearTimeout(forced);
  }

  private call(method: string, ...args: unknown[]): Promise<unknown> {
    if (this.ended) return Promise.reject(ENDED());
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.open.set(id, ({ value, error }) =>
        error === undefined ? resolve(value) : reject(asError(error)),
      );
      this.child.stdin?.write(`${JSON.stringify({ id, method, args })}\n`);
    });
  }

  private handle(line: string): void {
    const message = JSON.parse(line) as Answer & { name?: string; progress?: { stage: string } };
    if (message.event === 'progress' && message.name !== undefined && message.progress !== undefined) {
      const { name, progress } = message;
      this.progress.push({ name, stage: progress.stage });
      this.progressWaiters.get(`${name} ${progress.stage}`)?.();
    }
    if (message.event === 'shared') {
      this.shared.push(message as unknown as { topic: string; payload: unknown });
      for (const wake of this.sharedWaiters.splice(0)) wake();
    }
    if (message.event === 'failed')
      this.failed(message as unknown as { requestId?: string; error: ErrorBody });
    if (message.event !== 'answer') return;
    this.open.get(message.id)?.(message);
    this.open.delete(message.id);
  }

  private failed({ requestId = '', error }: { requestId?: string; error: ErrorBody }): void {
    this.failures.set(requestId, error);
    this.failureWaiters.get(requestId)?.(error);
    this.failureWaiters.delete(requestId);
  }

  private failAll(): void {
    forgetChild(this.child);
    this.ended = true;
    for (const [id, settle] of this.open) settle({ event: 'answer', id, error: ENDED().toJSON() });
    this.open.clear();
  }
}

function asError(body: ErrorBody): Error {
  return (body.code as string) === 'UNEXPECTED' ? new Error(body.message) : EdgeError.fromJSON(body);
}
