import { Socket } from 'node:net';
import v8 from 'node:v8';
import { toJson } from '../../lib/json';
import { encodeFrame, FrameDecoder } from '../frames';
import type {
  CallFailureCode,
  FunctionCallMessage,
  ErrorResult,
  HostMessage,
  InitMessage,
  ProcessMessage,
} from '../processMessages';
import { toErrorResult } from './errorResult';
import { HostCalls } from './hostCalls';
import { loadHandler, LoadError, type Handler } from './loader';
import { runCall, type WhenIdle } from './runCall';

/**
 * The script of a function process: one instance of one function. Started idle, becomes a function
 * with `init`, then runs one call at a time. Bundled without dependencies, so that it starts fast.
 */
let loaded: { handler: Handler; init: InitMessage } | undefined;
let ending = false;

/** The descriptor that the host hands to each function process: a duplex socket pair. */
const channel = new Socket({ fd: 3, readable: true, writable: true });
const decoder = new FrameDecoder();
channel.on('data', (chunk: Buffer) => {
  decoder.push(chunk, (message) => receive(message as HostMessage));
});
// The host is gone when the channel ends, however it went: this process then ends too, by a signal that
// no code of the function can put off.
const endAtOnce = () => process.kill(process.pid, 'SIGKILL');
channel.on('error', endAtOnce);
channel.on('close', endAtOnce);

/** A call waits for nothing else to run in this process. */
let waitsForIdle = false;
const hostCalls = new HostCalls(sendJson, (isWaiting) => {
  // An answer that is still to come is something to run.
  if (waitsForIdle) keepAlive(isWaiting);
});

process.on('uncaughtException', (error) => end(toErrorResult(error)));
process.on('unhandledRejection', (reason) => end(toErrorResult(reason, 'Runtime.UnhandledPromiseRejection')));

function receive(message: HostMessage): void {
  if (message.type === 'init') void initialise(message);
  else if (message.type === 'answer') hostCalls.receive(message);
  else call(message);
}

/** Whether an open channel alone keeps the process alive. */
function keepAlive(keep: boolean): void {
  if (keep) channel.ref();
  else channel.unref();
}

async function initialise(init: InitMessage): Promise<void> {
  try {
    Object.assign(process.env, init.environment);
    refuseStreaming();
    process.chdir(init.directory);
    collectEarly(Number(init.context.memoryLimitInMB));
    const handler = await loadHandler(init.directory, init.handler);
    loaded = { handler, init };
    // A promise that the module left rejected is reported before this: then there is no "ready".
    await new Promise<void>((resolve) => setImmediate(resolve));
    send({ type: 'ready' });
  } catch (thrown) {
    const { code, result } =
      thrown instanceof LoadError
        ? thrown
        : { code: 'FUNCTION_INIT_FAILED' as const, result: toErrorResult(thrown) };
    send({ type: 'failed', code, error: result });
  }
}

/** Node.js on Lambda has this as a global; an answer that is a stream has no way to a device. */
function refuseStreaming(): void {
  const streamifyResponse = () => {
    throw Object.assign(
      new Error('awslambda.streamifyResponse: functions on an edge cannot stream responses'),
      {
        name: 'Runtime.StreamingNotSupported',
      },
    );
  };
  Object.assign(globalThis, { awslambda: { streamifyResponse } });
}

/**
 * The heap's size cannot be set once V8 runs, and left alone V8 lets garbage pile up to far more than
 * a small function may use. A slower growth of the heap makes it collect in time.
 */
function collectEarly(memoryMiB: number): void {
  if (memoryMiB <= 512) v8.setFlagsFromString('--heap-growing-percent=50');
}

function call(message: FunctionCallMessage): void {
  if (loaded === undefined) return;
  const { handler, init } = loaded;
  const { requestId } = message;
  const { api } = init;
  runCall(
    handler,
    message,
    {
      succeed: (output) => sendResult(requestId, output, init.maxResultBytes),
      fail: (thrown) => sendError(requestId, 'FUNCTION_ERROR', toErrorResult(thrown)),
    },
    {
      settings: init.context,
      offered: api === undefined ? {} : { [api.name]: hostCalls.forCall(requestId, api) },
      whenIdle,
    },
  );
}

/** The output is encoded once and put into its envelope as text. */
function sendResult(requestId: string, output: unknown, maxBytes: number): void {
  let json: string;
  try {
    json = toJson(output);
  } catch (thrown) {
    sendError(requestId, 'FUNCTION_ERROR', toErrorResult(thrown, 'Runtime.MarshalError'));
    return;
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > maxBytes) {
    sendError(requestId, 'RESULT_TOO_LARGE', {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `a result of ${bytes} bytes, at most ${maxBytes}`,
      trace: [],
    });
    return;
  }
  sendJson(`{"type":"result","requestId":${JSON.stringify(requestId)},"output":${json}}`);
}

function sendError(requestId: string, code: CallFailureCode, error: ErrorResult): void {
  send({ type: 'error', requestId, code, error });
}

function send(message: ProcessMessage): void {
  sendJson(JSON.stringify(message));
}

function sendJson(json: string): void {
  if (!ending) channel.write(encodeFrame(json));
}

/** Reports why, then ends: after an uncaught error nothing in this process can be relied upon. */
function end(error: ErrorResult): void {
  if (ending) return;
  ending = true;
  const message: ProcessMessage = { type: 'fatal', error };
  channel.write(encodeFrame(JSON.stringify(message)), () => process.exit(1));
}

const whenIdle: WhenIdle = (callback) => {
  const onIdle = () => {
    stop();
    callback();
  };
  const stop = () => {
    process.off('beforeExit', onIdle);
    waitsForIdle = false;
    keepAlive(true);
  };
  process.on('beforeExit', onIdle);
  waitsForIdle = true;
  keepAlive(hostCalls.isWaiting);
  return stop;
};
