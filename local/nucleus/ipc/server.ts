import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { tryParseJson } from '../../../lib/json';
import { IpcError, type IpcOperations } from './operation';
import { encodeMessage, MessageFlag, MessageReader, MessageType, type RpcMessage } from './wire';

const NAMESPACE = 'aws.greengrass#';
const JSON_TYPE = 'application/json';

export interface IpcServerOptions {
  /** Path of the Unix socket; what is left of an earlier one is removed. */
  path: string;
  operations: IpcOperations;
  /** The component that has the token (SVCUID), or undefined. */
  authenticate: (token: string) => string | undefined;
  log: Logger;
}

export interface IpcServer {
  readonly path: string;
  close: () => Promise<void>;
}

/** Greengrass IPC as `greengrasscoreipc` of the AWS IoT device SDK speaks it. */
export async function startIpcServer(options: IpcServerOptions): Promise<IpcServer> {
  const { path, log } = options;
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    new IpcConnection(socket, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', (err) => log.error({ err }, 'ipc server failed'));
      resolve();
    });
  });
  return {
    path,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(path, { force: true });
    },
  };
}

/** What an open stream does when it ends. */
interface Stream {
  ended: boolean;
  listeners: (() => void)[];
}

/** The server's side of one connection: handshake, then one stream per operation. */
class IpcConnection {
  readonly #reader = new MessageReader();
  readonly #streams = new Map<number, Stream>();
  #component: string | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly options: Omit<IpcServerOptions, 'path'>,
  ) {
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (err) => options.log.debug({ err }, 'ipc connection failed'));
    socket.on('close', () => {
      for (const streamId of [...this.#streams.keys()]) this.#end(streamId);
    });
  }

  #onData(chunk: Buffer): void {
    let messages: RpcMessage[];
    try {
      messages = this.#reader.push(chunk);
    } catch (err) {
      this.options.log.warn({ err, component: this.#component }, 'ipc: not a message');
      this.socket.destroy();
      return;
    }
    for (const message of messages) this.#onMessage(message);
  }

  #onMessage(message: RpcMessage): void {
    if (message.type === MessageType.Connect) this.#connect(message);
    else if (message.type === MessageType.Ping) {
      this.#write({ ...message, type: MessageType.PingResponse, flags: MessageFlag.None });
    } else if (this.#component === undefined) this.#refuse('connect first');
    else if (message.streamId !== 0) this.#onStream(this.#component, message);
  }

  #onStream(component: string, message: RpcMessage): void {
    const open = this.#streams.has(message.streamId);
    const last = (message.flags & MessageFlag.TerminateStream) !== 0;
    if (open && last) this.#end(message.streamId);
    if (!open && !last) void this.#start(component, message);
  }

  #connect({ headers, payload }: RpcMessage): void {
    const token = tokenOf(payload);
    const component = token === undefined ? undefined : this.options.authenticate(token);
    if (component === undefined || headers[':version'] !== '0.1.0') {
      this.options.log.warn({ version: headers[':version'] }, 'ipc connection refused');
      this.#refuse('not authenticated');
      return;
    }
    this.#component = component;
    this.#write(control(MessageType.ConnectAck, MessageFlag.ConnectionAccepted));
  }

  #refuse(reason: string): void {
    const body = Buffer.from(JSON.stringify({ message: reason }));
    this.socket.end(encodeMessage({ ...control(MessageType.ConnectAck, MessageFlag.None), payload: body }));
  }

  async #start(component: string, { streamId, headers, payload }: RpcMessage): Promise<void> {
    const stream: Stream = { ended: false, listeners: [] };
    this.#streams.set(streamId, stream);
    const name = headers['operation'] ?? '';
    const short = name.startsWith(NAMESPACE) ? name.slice(NAMESPACE.length) : '';
    const operation = Object.hasOwn(this.options.operations, short)
      ? this.options.operations[short]
      : undefined;
    if (operation === undefined) {
      this.options.log.warn({ component, operation: name }, 'ipc: not supported by the simulated nucleus');
      // What has no shape in the service model goes as text.
      const text = `${name} is not supported by the simulated nucleus`;
      this.#fail(streamId, { ':content-type': 'text/plain' }, text);
      return;
    }
    // Messages of a subscription follow its answer, however soon they come.
    let held: (() => void)[] | undefined = [];
    const call = {
      component,
      input: parse(payload),
      send: (shape: string, message: object) => {
        const write = (): void => this.#respond(stream, streamId, shape, message, MessageFlag.None);
        if (held === undefined) write();
        else held.push(write);
      },
      onEnd: (listener: () => void) => {
        if (stream.ended) listener();
        else stream.listeners.push(listener);
      },
    };
    try {
      const answer = await operation.handle(call);
      const flags = operation.streaming ? MessageFlag.None : MessageFlag.TerminateStream;
      this.#respond(stream, streamId, `${short}Response`, answer, flags);
      if (!operation.streaming) this.#end(streamId);
      for (const write of held) write();
      held = undefined;
    } catch (error) {
      this.options.log.info({ component, operation: short, err: error }, 'ipc request refused');
      const known = error instanceof IpcError ? error : new IpcError('ServiceError', String(error));
      this.#error(streamId, known);
    }
  }

  #respond(stream: Stream, streamId: number, shape: string, body: object, flags: number): void {
    if (stream.ended) return;
    const headers = { ':content-type': JSON_TYPE, 'service-model-type': NAMESPACE + shape };
    const payload = Buffer.from(JSON.stringify(body));
    this.#write({ type: MessageType.ApplicationMessage, flags, streamId, headers, payload });
  }

  #error(streamId: number, { name, message }: IpcError): void {
    const headers = { ':content-type': JSON_TYPE, 'service-model-type': NAMESPACE + name };
    this.#fail(streamId, headers, JSON.stringify({ message }));
  }

  #fail(streamId: number, headers: Record<string, string>, text: string): void {
    const flags = MessageFlag.TerminateStream;
    this.#write({
      ...{ type: MessageType.ApplicationError, flags, streamId, headers },
      payload: Buffer.from(text),
    });
    this.#end(streamId);
  }

  #end(streamId: number): void {
    const stream = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    if (stream === undefined || stream.ended) return;
    stream.ended = true;
    for (const listener of stream.listeners) listener();
  }

  #write(message: RpcMessage): void {
    if (this.socket.writable) this.socket.write(encodeMessage(message));
  }
}

function control(type: number, flags: number): RpcMessage {
  return { type, flags, streamId: 0, headers: { ':version': '0.1.0' }, payload: new Uint8Array() };
}

function tokenOf(payload: Uint8Array): string | undefined {
  const token = (parse(payload) as { authToken?: unknown } | undefined)?.authToken;
  return typeof token === 'string' ? token : undefined;
}

/** Undefined when it is no JSON; an empty one stands for an empty object. */
function parse(payload: Uint8Array): unknown {
  return payload.length === 0 ? {} : tryParseJson(payload);
}
