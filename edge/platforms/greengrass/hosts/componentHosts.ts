import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { EdgeError } from '../../../../protocol/errors';
import { backgroundClock, type Clock } from '../../../../lib/clock';
import { withinTime } from '../../../../lib/timeLimit';
import { FramedSocket } from '../../../../runtime/frames';
import type { FunctionProcess, ProcessSource } from '../../../../runtime/functionProcess';
import type { ProcessStart } from '../../../../runtime/processStart';
import { ConnectedHost } from './connectedHost';
import { HostedProcess } from './hostedProcess';
import { firstMessageSchema, type HelloMessage } from './hostMessages';

export interface ComponentHostsOptions {
  /** Path of the Unix socket; what is left there of an earlier run is replaced. */
  socketPath: string;
  log: Logger;
  clock?: Clock;
}

/** A new connection says within this time what it is for. */
const FIRST_MESSAGE_MS = 5_000;
/** A call waits so long for a host to come back before it is told that it is gone. */
const HOST_RETURN_MS = 5_000;
/** How long a host may take to end what it runs. */
const ANSWER_MS = 2_000;
/** The bound of `sun_path`, less its final zero. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;
/** The user of the core, and its group: Greengrass runs components as one user unless told otherwise. */
const SOCKET_MODE = 0o660;

/** Listens for component hosts. Throws CONFIG_INVALID when the path is too long for a socket. */
export async function openComponentHosts(options: ComponentHostsOptions): Promise<ComponentHosts> {
  const hosts = new ComponentHosts(options);
  await hosts.listen();
  return hosts;
}

/** The component hosts that are connected, and the function processes that they run. */
export class ComponentHosts implements ProcessSource {
  private readonly server: Server;
  private readonly clock: Clock;
  private readonly emitter = new EventEmitter();
  /** By `name@version`; a host that comes again replaces what is left of its former connection. */
  private readonly hosts = new Map<string, ConnectedHost>();
  private readonly connections = new Set<FramedSocket>();
  private readonly processes = new Map<string, HostedProcess>();
  /** Processes for which there is no host at the moment, by key. */
  private readonly homeless = new Map<string, Set<HostedProcess>>();

  constructor(private readonly options: ComponentHostsOptions) {
    this.clock = options.clock ?? backgroundClock;
    this.server = createServer((socket) => this.accept(socket));
  }

  async listen(): Promise<void> {
    const { socketPath, log } = this.options;
    if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH) {
      throw new EdgeError('CONFIG_INVALID', `${socketPath} is too long for a Unix socket`, {
        expected: `at most ${MAX_SOCKET_PATH} bytes`,
      });
    }
    await rm(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(socketPath, () => resolve());
    });
    this.server.on('error', (err) => log.error({ err }, 'the socket for component hosts failed'));
    await chmod(socketPath, SOCKET_MODE);
  }

  /** What the host of this package said, while it is here and stays. */
  find(digest: string): HelloMessage | undefined {
    return this.list().find((hello) => hello.digest === digest);
  }

  list(): HelloMessage[] {
    return [...this.hosts.values()].filter(({ isLeaving }) => !isLeaving).map(({ hello }) => hello);
  }

  /** Whether a host that is told to stop is to serve on until `release`. */
  isStillNeeded: (hello: HelloMessage) => boolean = () => false;

  release(digest: string): void {
    for (const host of this.hosts.values()) if (host.hello.digest === digest) host.release();
  }

  /** A host said hello. */
  on(event: 'arrived', listener: (hello: HelloMessage) => void): void;
  /** A host was told to stop and has nothing to do any more (`forGood`), or its connection ended and it may be back. */
  on(event: 'left', listener: (hello: HelloMessage, how: { forGood: boolean }) => void): void;
  on(event: string, listener: (...args: never[]) => void): void {
    this.emitter.on(event, listener as (...args: unknown[]) => void);
  }

  take(key: string, start?: ProcessStart): FunctionProcess {
    const process = new HostedProcess(randomUUID(), this.clock, start?.environment);
    this.processes.set(process.instance, process);
    void process.gone.then(() => this.processes.delete(process.instance));
    const host = this.hosts.get(key);
    if (host?.isServing) host.start(process);
    else this.wait(key, process);
    return process;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    await this.endProcesses();
    for (const connection of this.connections) connection.destroy();
    await closed;
  }

  /** Waits for the hosts to say so; one that does not answer is left to itself. */
  private async endProcesses(): Promise<void> {
    const processes = [...this.processes.values()];
    for (const process of processes) process.kill();
    const allGone = Promise.all(processes.map(({ gone }) => gone));
    await withinTime(this.clock, ANSWER_MS, allGone, () => undefined);
  }

  private accept(socket: Socket): void {
    const connection = new FramedSocket(socket, {
      onMessage: (message) => this.introduced(connection, message),
      onClosed: () => timer.cancel(),
    });
    const timer = this.clock.setTimeout(() => connection.destroy(), FIRST_MESSAGE_MS);
    this.connections.add(connection);
    socket.once('close', () => this.connections.delete(connection));
    socket.once('data', () => timer.cancel());
  }

  private introduced(connection: FramedSocket, message: unknown): void {
    const parsed = firstMessageSchema.safeParse(message);
    if (!parsed.success) {
      const reason = parsed.error.issues.map(({ path, message: what }) => `${path.join('.')}: ${what}`);
      this.options.log.error({ reason }, 'a connection to the socket for component hosts was refused');
      connection.destroy();
    } else if (parsed.data.type === 'hello') {
      this.welcome(parsed.data, connection);
    } else {
      const process = this.processes.get(parsed.data.instance);
      if (process === undefined) connection.destroy();
      else process.attach(connection);
    }
  }

  private welcome(hello: HelloMessage, connection: FramedSocket): void {
    const { key, digest } = hello;
    this.hosts.get(key)?.disconnect();
    const host = new ConnectedHost(hello, connection, {
      onLeaving: () => this.leaving(hello),
      onGone: (gone) => this.gone(gone),
    });
    this.hosts.set(key, host);
    this.options.log.info({ function: key, digest }, 'component host connected');
    for (const process of this.homeless.get(key) ?? []) host.start(process);
    this.homeless.delete(key);
    this.emitter.emit('arrived', hello);
  }

  /** True when it serves on: it has left once it is gone. */
  private leaving(hello: HelloMessage): boolean {
    const isNeeded = this.isStillNeeded(hello);
    this.options.log.info({ event: 'leaving', function: hello.key, isNeeded }, 'component host told to stop');
    if (!isNeeded) this.emitter.emit('left', hello, { forGood: true });
    return isNeeded;
  }

  private gone(host: ConnectedHost): void {
    const { key } = host.hello;
    // Another connection of the same host may have taken its place.
    if (this.hosts.get(key) !== host) return;
    this.hosts.delete(key);
    this.options.log.info({ function: key }, 'component host disconnected');
    if (host.isServing) this.emitter.emit('left', host.hello, { forGood: host.isLeaving });
  }

  private wait(key: string, process: HostedProcess): void {
    const sameKey = this.homeless.get(key) ?? new Set();
    this.homeless.set(key, sameKey.add(process));
    const timer = this.clock.setTimeout(() => {
      if (!sameKey.delete(process)) return;
      const failure = new EdgeError('DEPLOYMENT_TIMED_OUT', 'its component host is not connected');
      process.ended({ exitCode: null, signal: null, failure });
    }, HOST_RETURN_MS);
    void process.gone.then(() => {
      timer.cancel();
      sameKey.delete(process);
    });
  }
}
