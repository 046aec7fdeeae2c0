import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { EdgeError, type ErrorBody } from '../../protocol';
import type { InvokeReport, ProgressStage } from '../../device/types';
import { root } from './packaged';

interface Answer {
  event: string;
  id: number;
  value?: unknown;
  error?: ErrorBody;
}

/** Drives a device client that runs in a process of its own (deviceAgent.ts). */
export class TestDevice {
  private readonly child: ChildProcess;
  private readonly open = new Map<number, (answer: Answer) => void>();
  private next = 1;
  readonly progress: { name: string; stage: string }[] = [];
  private readonly progressWaiters = new Map<string, () => void>();
  readonly shared: { topic: string; payload: unknown }[] = [];
  private readonly sharedWaiters: (() => void)[] = [];
  private readonly failures = new Map<string, ErrorBody>();
  private readonly failureWaiters = new Map<string, (error: ErrorBody) => void>();

  constructor() {
    this.child = spawn(process.execPath, [path.join(root, 'dist', 'test', 'deviceAgent.cjs')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.handle(line),
    );
    this.child.once('exit', () => this.failAll());
  }

  connect(options: unknown): Promise<unknown> {
    return this.call('connect', options);
  }

  deploy(name: string, options: Record<string, unknown> = {}): Promise<{ name: string; version: string }> {
    return this.call('deploy', name, options) as Promise<{ name: string; version: string }>;
  }

  invoke(name: string, input?: unknown, options: Record<string, unknown> = {}): Promise<unknown> {
    return this.call('invoke', name, input, options);
  }

  invokeReported(
    name: string,
    input?: unknown,
    options: Record<string, unknown> = {},
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
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.stdin?.end();
    const forced = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(forced);
  }

  private call(method: string, ...args: unknown[]): Promise<unknown> {
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
    for (const [id, settle] of this.open) {
      settle({ event: 'answer', id, error: { code: 'CLOSED', message: 'the device process ended' } });
    }
    this.open.clear();
  }
}

function asError(body: ErrorBody): Error {
  return (body.code as string) === 'UNEXPECTED' ? new Error(body.message) : EdgeError.fromJSON(body);
}
