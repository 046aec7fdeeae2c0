import { randomBytes } from 'node:crypto';
import { EdgeError } from '../protocol/errors';
import type { Clock, Timer } from '../lib/clock';
import { encodeFrame, MAX_PAYLOAD_BYTES } from './frames';
import type { FunctionProcess, LogStream, FunctionProcessExit } from './functionProcess';
import { Asks, type HostApi } from './hostApi';
import type { MemoryWatch } from './memoryWatch';
import {
  boundedError,
  type ContextSettings,
  type ErrorResult,
  type InitMessage,
  type OfferedApi,
  type ProcessMessage,
} from './processMessages';
import { processStart } from './processStart';
import type { FunctionCall, FunctionOutcome, FunctionSpec } from './types';

/** The longest that a module may take to load. Lambda's limit for the same. */
const INIT_TIMEOUT_MS = 10_000;

export interface InstanceSurroundings {
  spec: FunctionSpec;
  process: FunctionProcess;
  memory: MemoryWatch;
  clock: Clock;
  /** Without it functions can ask for nothing. */
  api?: HostApi | undefined;
  /** `requestId`: the call that runs, or the last one. */
  onLine: (line: { requestId?: string; stream: LogStream; text: string }) => void;
  /** A call is over and the instance can take the next one. Before the call's promise settles. */
  onFree: (instance: Instance) => void;
  /** The instance is of no further use. Once, before a call's promise settles. */
  onDead: (instance: Instance, reason: EdgeError) => void;
}

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: EdgeError) => void;
  timer: Timer;
}

/** One process that runs one function, one call at a time, within its limits. */
export class Instance {
  /** Since when it waits for a call, in milliseconds since the epoch. */
  idleSince = 0;
  readonly startedAt: number;
  private pid: number | undefined;
  private phase: 'new' | 'loading' | 'ready' | 'busy' | 'dead' = 'new';
  private requestId: string | undefined;
  private pending: Pending | undefined;
  private failure: EdgeError | undefined;
  private sawHeapExhausted = false;
  private readonly asks: Asks | undefined;

  constructor(private readonly around: InstanceSurroundings) {
    const { process, clock, api } = around;
    this.startedAt = clock.now();
    this.asks = api && new Asks(api, (frame) => process.sendFrame(frame));
    process.listen({
      onStarted: (pid) => this.watchMemory(pid),
      onMessage: (message) => this.receive(message),
      onLine: (stream, text) => this.line(stream, text),
      onExit: (exit) => this.fail(this.exitError(exit)),
    });
  }

  get isBusy(): boolean {
    return this.phase === 'busy';
  }

  /** Loads the handler. Throws as FunctionHost.start. */
  async load(): Promise<void> {
    this.phase = 'loading';
    if (this.around.spec.verifyCode !== undefined) await this.verifyCode(this.around.spec.verifyCode);
    const init = initMessage(this.around.spec, this.around.api);
    await this.exchange(encodeFrame(JSON.stringify(init)), INIT_TIMEOUT_MS);
  }

  /**
   * Runs one call for at most `limitMs`; only when ready. Throws as FunctionHost.invoke, except
   * FUNCTION_NOT_DEPLOYED and QUEUE_FULL.
   */
  async call(call: FunctionCall, limitMs: number): Promise<FunctionOutcome> {
    const frame = this.encode(call, limitMs);
    this.phase = 'busy';
    this.requestId = call.requestId;
    this.beginAsks(call, limitMs);
    const startedAt = performance.now();
    const output = await this.exchange(frame, limitMs);
    return { output, durationMs: performance.now() - startedAt };
  }

  private async verifyCode(verify: () => Promise<void>): Promise<void> {
    await verify().catch((thrown: unknown) => this.fail(EdgeError.from(thrown)));
    // It may also have been ended meanwhile.
    if (this.failure !== undefined) throw this.failure;
  }

  /** Ends the process at once; a call in flight fails with `reason`. Resolves when it is gone. */
  end(reason: EdgeError): Promise<void> {
    this.fail(reason);
    return this.around.process.gone;
  }

  private beginAsks(call: FunctionCall, limitMs: number): void {
    const { clock, spec } = this.around;
    const until = clock.now() + limitMs;
    this.asks?.begin({ spec, call, remainingMs: () => Math.max(0, until - clock.now()) });
  }

  private watchMemory(pid: number): void {
    const { memory, spec } = this.around;
    if (this.phase === 'dead') return;
    this.pid = pid;
    memory.add({
      pid,
      limitBytes: spec.memoryMiB * 1024 * 1024,
      exceeded: (bytes) => this.fail(outOfMemory(spec, bytes)),
    });
  }

  private encode(call: FunctionCall, limitMs: number): Buffer {
    try {
      return callFrame(call, limitMs);
    } catch (error) {
      this.around.onFree(this);
      throw error;
    }
  }

  private exchange(frame: Buffer, limitMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.around.clock.setTimeout(() => this.fail(this.timedOut(limitMs)), limitMs);
      this.pending = { resolve, reject, timer };
      this.around.process.sendFrame(frame);
    });
  }

  private receive(message: ProcessMessage): void {
    if (this.phase === 'dead') return;
    if (message.type === 'fatal') this.fail(this.fatal(message.error));
    else if (message.type === 'ask') this.asks?.receive(message);
    else if (this.phase === 'loading') this.receiveLoaded(message);
    else if (this.phase === 'busy') this.receiveAnswer(message);
  }

  private receiveLoaded(message: ProcessMessage): void {
    if (message.type === 'ready') this.settle((pending) => pending.resolve(undefined));
    else if (message.type === 'failed') this.fail(functionError(message.code, message.error));
  }

  private receiveAnswer(message: ProcessMessage): void {
    if (message.type !== 'result' && message.type !== 'error') return;
    if (message.requestId !== this.requestId) return;
    if (message.type === 'result') this.settle((pending) => pending.resolve(message.output));
    else this.settle((pending) => pending.reject(functionError(message.code, message.error)));
  }

  private settle(answer: (pending: Pending) => void): void {
    const pending = this.pending;
    if (pending === undefined) return;
    this.pending = undefined;
    pending.timer.cancel();
    this.asks?.end();
    this.phase = 'ready';
    this.around.onFree(this);
    answer(pending);
  }

  private fail(reason: EdgeError): void {
    if (this.phase === 'dead') return;
    this.phase = 'dead';
    this.failure = reason;
    this.asks?.end();
    const { process, memory } = this.around;
    if (this.pid !== undefined) memory.remove(this.pid);
    process.kill();
    const pending = this.pending;
    this.pending = undefined;
    pending?.timer.cancel();
    this.around.onDead(this, reason);
    pending?.reject(reason);
  }

  private line(stream: LogStream, text: string): void {
    if (stream === 'stderr' && text.includes('JavaScript heap out of memory')) this.sawHeapExhausted = true;
    const { requestId } = this;
    this.around.onLine({ stream, text, ...(requestId !== undefined && { requestId }) });
  }

  private timedOut(limitMs: number): EdgeError {
    const what = this.phase === 'loading' ? 'the module took' : 'the call took';
    return new EdgeError('FUNCTION_TIMED_OUT', `${what} longer than ${limitMs} ms and was ended`, {
      details: { timeoutMs: limitMs },
    });
  }

  /** Node.js ends at once, before any module of the function, for an option or file that it does not know. */
  private startedWith(): string {
    const start = this.phase === 'loading' ? processStart(this.around.spec) : undefined;
    if (start === undefined) return '';
    const variables = Object.entries(start.environment).map(([name, value]) => `${name}="${value}"`);
    return `, started with ${variables.join(', ')}; relative paths begin at the package, and no /var/task or /opt is here`;
  }

  private fatal(error: ErrorResult): EdgeError {
    return functionError(this.phase === 'loading' ? 'FUNCTION_INIT_FAILED' : 'FUNCTION_ERROR', error);
  }

  private exitError({ exitCode, signal, failure }: FunctionProcessExit): EdgeError {
    if (this.sawHeapExhausted) return outOfMemory(this.around.spec);
    // It was not the function that failed: whoever was to run it says why.
    if (this.phase === 'loading' && failure instanceof EdgeError) return failure;
    const how = failure?.message ?? (signal === null ? `exit code ${exitCode}` : `signal ${signal}`);
    return new EdgeError('FUNCTION_EXITED', `the function's process ended: ${how}${this.startedWith()}`, {
      details: { exitCode, signal },
      ...(failure && { cause: failure }),
    });
  }
}

/** The event is encoded here, once. Throws BAD_REQUEST or PAYLOAD_TOO_LARGE. */
function callFrame(call: FunctionCall, timeoutMs: number): Buffer {
  const { requestId, event = {}, clientContext } = call;
  let json: string;
  try {
    json = JSON.stringify({ type: 'call', requestId, timeoutMs, event, clientContext });
  } catch (cause) {
    // What parses may still be nested too deeply to be written again. Whoever calls knows it as the input.
    throw new EdgeError('BAD_REQUEST', 'the input cannot be passed on as JSON', { field: 'input', cause });
  }
  const frame = encodeFrame(json);
  if (frame.length <= MAX_PAYLOAD_BYTES) return frame;
  throw new EdgeError('PAYLOAD_TOO_LARGE', `the event is over ${MAX_PAYLOAD_BYTES} bytes`);
}

function functionError(
  code: 'HANDLER_NOT_FOUND' | 'FUNCTION_INIT_FAILED' | 'FUNCTION_ERROR' | 'RESULT_TOO_LARGE',
  error: ErrorResult,
): EdgeError {
  // The function may have written it to the channel itself.
  const { errorType, errorMessage, trace } = boundedError(error);
  return new EdgeError(code, errorMessage, { details: { errorType, errorMessage, trace } });
}

function outOfMemory(spec: FunctionSpec, bytes?: number): EdgeError {
  const usedMiB = bytes === undefined ? undefined : Math.ceil(bytes / 1024 / 1024);
  return new EdgeError(
    'FUNCTION_OUT_OF_MEMORY',
    `the function used more than its ${spec.memoryMiB} MiB and was ended`,
    { details: { memoryMiB: spec.memoryMiB, ...(usedMiB !== undefined && { usedMiB }) } },
  );
}

/** What turns an idle process into an instance of `spec`. */
function initMessage(spec: FunctionSpec, api: OfferedApi | undefined): InitMessage {
  const context = contextSettings(spec);
  return {
    type: 'init',
    directory: spec.directory,
    handler: spec.handler,
    environment: { ...lambdaEnvironment(spec, context), ...spec.environment },
    context,
    maxResultBytes: MAX_PAYLOAD_BYTES,
    ...(api && { api: { name: api.name, methods: api.methods, maxBytes: api.maxBytes } }),
  };
}

function contextSettings(spec: FunctionSpec): ContextSettings {
  const { functionName, functionVersion, invokedFunctionArn } = spec.context;
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  return {
    functionName,
    functionVersion,
    invokedFunctionArn,
    memoryLimitInMB: String(spec.memoryMiB),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: `${day}/[${functionVersion}]${randomBytes(16).toString('hex')}`,
  };
}

/** The variables that Lambda defines and libraries look for. */
function lambdaEnvironment(spec: FunctionSpec, context: ContextSettings): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: context.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: context.functionVersion,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: context.memoryLimitInMB,
    AWS_LAMBDA_LOG_GROUP_NAME: context.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: context.logStreamName,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LAMBDA_TASK_ROOT: spec.directory,
    _HANDLER: spec.handler,
  };
}
