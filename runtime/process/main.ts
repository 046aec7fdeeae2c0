import v8 from 'node:v8';
import type {
  CallFailureCode,
  CallMessage,
  ErrorResult,
  HostMessage,
  InitMessage,
  ProcessMessage,
} from '../processMessages';
import { openChannel } from './channel';
import { EdgeAsks } from './edgeAsks';
import { toErrorResult } from './errorResult';
import { loadHandler, LoadError, type Handler } from './loader';
import { runCall, type WhenIdle } from './runCall';

/**
 * The script of a function process: one instance of one function. Started idle, becomes a function
 * with `init`, then runs one call at a time. Bundled without dependencies, so that it starts fast.
 */
let loaded: { handler: Handler; init: InitMessage } | undefined;
let ending = false;

const channel = openChannel((message: HostMessage) => {
  if (message.type === 'init') void initialise(message);
  else if (message.type === 'answer') edge.receive(message);
  else call(message);
});
/** A call waits for nothing else to run in this process. */
let waitsForIdle = false;
const edge = new EdgeAsks(
  (json) => void (ending || channel.send(json)),
  // An answer that is still to come is something to run.
  (isWaiting) => void (waitsForIdle && channel.keepAlive(isWaiting)),
);

process.on('uncaughtException', (error) => end(toErrorResult(error)));
process.on('unhandledRejection', (reason) => {
  end(toErrorResult(reason, 'Runtime.UnhandledPromiseRejection'));
});

async function initialise(init: InitMessage): Promise<void> {
  try {
    Object.assign(process.env, init.environment);
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

/**
 * The heap's size cannot be set once V8 runs, and left alone V8 lets garbage pile up to far more than
 * a small function may use. A slower growth of the heap makes it collect in time.
 */
function collectEarly(memoryMiB: number): void {
  if (memoryMiB <= 512) v8.setFlagsFromString('--heap-growing-percent=50');
}

function call(message: CallMessage): void {
  if (loaded === undefined) return;
  const { handler, init } = loaded;
  const { requestId } = message;
  runCall(
    handler,
    message,
    init.context,
    {
      succeed: (output) => sendResult(requestId, output, init.maxResultBytes),
      fail: (thrown) => sendError(requestId, 'FUNCTION_ERROR', toErrorResult(thrown)),
    },
    whenIdle,
    init.answersAsks ? edge.forCall(requestId) : undefined,
  );
}

/** The output is encoded once and put into its envelope as text. */
function sendResult(requestId: string, output: unknown, maxBytes: number): void {
  let json: string;
  try {
    json = JSON.stringify(output) ?? 'null';
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
  if (!ending) channel.send(`{"type":"result","requestId":${JSON.stringify(requestId)},"output":${json}}`);
}

function sendError(requestId: string, code: CallFailureCode, error: ErrorResult): void {
  send({ type: 'error', requestId, code, error });
}

function send(message: ProcessMessage): void {
  if (!ending) channel.send(JSON.stringify(message));
}

/** Reports why, then ends: after an uncaught error nothing in this process can be relied upon. */
function end(error: ErrorResult): void {
  if (ending) return;
  ending = true;
  const message: ProcessMessage = { type: 'fatal', error };
  channel.send(JSON.stringify(message), () => process.exit(1));
}

const whenIdle: WhenIdle = (callback) => {
  const onIdle = () => {
    stop();
    callback();
  };
  const stop = () => {
    process.off('beforeExit', onIdle);
    waitsForIdle = false;
    channel.keepAlive(true);
  };
  process.on('beforeExit', onIdle);
  waitsForIdle = true;
  channel.keepAlive(edge.isWaiting);
  return stop;
};
