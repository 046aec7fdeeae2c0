import { connect } from 'node:net';
import path from 'node:path';
import { backoffMs } from '../../../../lib/backoff';
import { FunctionChild, type ChildListener } from '../../../../runtime/childProcess';
import { encodeFrame, FramedSocket } from '../../../../runtime/frames';
import type { FunctionProcessExit } from '../../../../runtime/functionProcess';
import { OrphanGuard } from '../../../../runtime/orphanGuard';
import type { HelloMessage, HostCommand, HostNotice } from '../hosts/hostMessages';

export interface HostedFunction {
  /** Path of the core's socket. */
  socket: string;
  /** `name@version` */
  key: string;
  digest: string;
  /** Folder with the unpacked package. */
  directory: string;
  /** This bundle: with `--process` it is a function process. */
  script: string;
}

/** As HOST_PROTOCOL; not imported, because that would bring a schema library into the bundle. */
const PROTOCOL = 1;
const RETRIES = { first: 100, most: 2_000, jitter: 0.25 };
/** Greengrass gives a component that it stops a few seconds. */
const LEAVE_MS = 4_000;

/** Serves the core at `socket` until this process is told to stop. */
export function hostFunction(options: HostedFunction): void {
  const host = new FunctionHostProcess(options);
  host.connect();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => host.leave());
}

/**
 * Connects to the core, and again whenever the core has gone; starts and ends function processes as it
 * is told. A process speaks to the core itself, over a connection of its own that it inherits, so no call
 * passes through here. Separate processes, because what is ended for running too long must not look to
 * Greengrass like a component that fails.
 */
class FunctionHostProcess {
  private readonly children = new Map<string, FunctionChild>();
  /** Told to start, not connected yet. */
  private readonly starting = new Set<string>();
  private readonly guard: OrphanGuard;
  private connection: FramedSocket | undefined;
  private failures = 0;
  private leaving = false;

  constructor(private readonly options: HostedFunction) {
    this.guard = new OrphanGuard({ warn: (fields: object, msg: string) => logLine('warn', msg, fields) });
  }

  connect(): void {
    const socket = connect(this.options.socket);
    const connection = new FramedSocket(socket, {
      onMessage: (message) => this.obey(message as HostCommand),
      onClosed: (failure) => this.disconnected(failure),
    });
    socket.once('error', ({ message }) => {
      if (this.failures % 30 === 0) logLine('warn', `core: ${message}`);
    });
    socket.once('connect', () => {
      this.failures = 0;
      this.connection = connection;
      this.tell(this.hello());
      logLine('info', 'connected to the core', { function: this.options.key });
    });
  }

  /** Lets the calls in flight finish, for as long as Greengrass allows. */
  leave(): void {
    if (this.leaving) return;
    this.leaving = true;
    logLine('info', 'told to stop');
    if (this.connection === undefined) {
      this.stop();
      return;
    }
    this.tell({ type: 'leaving' });
    setTimeout(() => this.stop(), LEAVE_MS);
  }

  private hello(): HelloMessage {
    const { key, digest, directory } = this.options;
    const { pid } = process;
    return { type: 'hello', protocol: PROTOCOL, key, digest, pid, directory: path.resolve(directory) };
  }

  private obey(command: HostCommand): void {
    // A later core may say more than this host knows.
    switch (command.type) {
      case 'start':
        this.start(command.instance, command.environment);
        break;
      case 'end':
        this.end(command.instance);
        break;
      case 'released':
        this.stop();
    }
  }

  private start(instance: string, environment: Record<string, string> | undefined): void {
    this.starting.add(instance);
    const socket = connect(this.options.socket);
    // What the core sends is for the child to read.
    socket.pause();
    socket.once('error', ({ message }) => this.notStarted(instance, message));
    socket.once('connect', () => {
      socket.write(encodeFrame(JSON.stringify({ type: 'instance', instance })), () => {
        if (this.starting.delete(instance)) this.spawn(instance, socket, environment);
        socket.destroy();
      });
    });
  }

  private spawn(
    instance: string,
    socket: ReturnType<typeof connect>,
    environment: Record<string, string> | undefined,
  ): void {
    try {
      const listener: ChildListener = {
        onLine: (stream, text) => {
          // For the component's log; the core keeps the lines with the calls that wrote them.
          process[stream].write(`${text}\n`);
          this.tell({ type: 'line', instance, stream, text });
        },
        onExit: (exit) => this.exited(instance, child, exit),
      };
      const start = environment && { environment, directory: path.resolve(this.options.directory) };
      const child = new FunctionChild([this.options.script, '--process'], socket, listener, start);
      this.children.set(instance, child);
      if (child.pid === undefined) return;
      this.guard.add(child.pid);
      this.tell({ type: 'started', instance, pid: child.pid });
    } catch (error) {
      this.notStarted(instance, (error as Error).message);
    }
  }

  private end(instance: string): void {
    this.children.get(instance)?.kill();
    if (this.starting.delete(instance)) this.tellExit(instance, { exitCode: null, signal: 'SIGKILL' });
  }

  private exited(instance: string, { pid }: FunctionChild, exit: FunctionProcessExit): void {
    this.children.delete(instance);
    if (pid !== undefined) this.guard.remove(pid);
    this.tellExit(instance, exit);
  }

  private notStarted(instance: string, reason: string): void {
    this.starting.delete(instance);
    this.tellExit(instance, { exitCode: null, signal: null, failure: new Error(reason) });
  }

  private tellExit(instance: string, { exitCode, signal, failure }: FunctionProcessExit): void {
    this.tell({ type: 'exited', instance, exitCode, signal, ...(failure && { failure: failure.message }) });
  }

  /** Without the core nobody uses what runs here; a core that comes back starts anew. */
  private disconnected(failure: Error | undefined): void {
    if (this.connection !== undefined) {
      logLine('warn', 'connection to the core lost', { err: failure?.message });
    }
    this.connection = undefined;
    this.starting.clear();
    for (const child of this.children.values()) child.kill();
    if (this.leaving) {
      this.stop();
      return;
    }
    setTimeout(
      () => {
        if (!this.leaving) this.connect();
      },
      backoffMs(this.failures++, RETRIES),
    );
  }

  private tell(notice: HelloMessage | HostNotice): void {
    this.connection?.sendFrame(encodeFrame(JSON.stringify(notice)));
  }

  private stop(): void {
    for (const child of this.children.values()) child.kill();
    process.exit(0);
  }
}

const LEVELS = { info: 30, warn: 40, fatal: 60 };

/** One line of JSON on stderr, as the core writes them: a logging library would double the bundle. */
export function logLine(level: keyof typeof LEVELS, msg: string, fields: object = {}): void {
  process.stderr.write(`${JSON.stringify({ level: LEVELS[level], time: Date.now(), ...fields, msg })}\n`);
}
