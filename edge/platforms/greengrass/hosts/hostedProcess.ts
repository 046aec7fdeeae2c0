import { EdgeError } from '../../../../protocol/errors';
import type { Clock } from '../../../../lib/clock';
import { encodeFrame, type FramedSocket } from '../../../../runtime/frames';
import type {
  FunctionProcess,
  LogStream,
  FunctionProcessExit,
  ProcessListener,
} from '../../../../runtime/functionProcess';
import { requireProcessMessage, type HostMessage } from '../../../../runtime/processMessages';
import { killGroup, STRAGGLER_MS } from '../../../../runtime/childProcess';

/** The component host, which starts and ends the process. */
export interface ProcessKeeper {
  end: (process: HostedProcess) => void;
}

/**
 * A function process that a component host runs and that speaks to the core over a Unix socket. It may
 * not have been started yet, or not have connected: what it is sent waits.
 */
export class HostedProcess implements FunctionProcess {
  readonly gone: Promise<void>;
  /** Set once a host was asked to start it. */
  keeper: ProcessKeeper | undefined;
  private listener: ProcessListener | undefined;
  private pid: number | undefined;
  private connection: FramedSocket | undefined;
  private unsent: Buffer[] = [];
  private exit: FunctionProcessExit | undefined;
  private failure: Error | undefined;
  private isKilled = false;
  private isReported = false;
  private reportGone: () => void = () => undefined;

  constructor(
    readonly instance: string,
    private readonly clock: Clock,
    /** Variables with which it has to be started, beside those that every function process has. */
    readonly environment?: Record<string, string>,
  ) {
    this.gone = new Promise((resolve) => (this.reportGone = resolve));
  }

  listen(listener: ProcessListener): void {
    this.listener = listener;
    if (this.pid !== undefined && this.exit === undefined) listener.onStarted?.(this.pid);
    if (this.isReported) queueMicrotask(() => listener.onExit(this.result()));
  }

  send(message: HostMessage): void {
    this.sendFrame(encodeFrame(JSON.stringify(message)));
  }

  sendFrame(frame: Buffer): void {
    if (this.isKilled || this.exit !== undefined) return;
    if (this.connection === undefined) this.unsent.push(frame);
    else this.connection.sendFrame(frame);
  }

  kill(): void {
    if (this.isKilled) return;
    this.isKilled = true;
    this.unsent = [];
    this.connection?.destroy();
    if (this.exit !== undefined) return;
    if (this.keeper === undefined) this.ended({ exitCode: null, signal: 'SIGKILL' });
    else this.keeper.end(this);
  }

  /** The process has connected. */
  attach(connection: FramedSocket): void {
    if (this.isKilled || this.exit !== undefined || this.connection !== undefined) {
      connection.destroy();
      return;
    }
    this.connection = connection;
    connection.listener = {
      onMessage: (value) => this.listener?.onMessage(requireProcessMessage(value)),
      onClosed: (failure) => this.channelClosed(failure),
    };
    for (const frame of this.unsent.splice(0)) connection.sendFrame(frame);
  }

  started(pid: number): void {
    if (this.exit !== undefined) return;
    this.pid = pid;
    this.listener?.onStarted?.(pid);
  }

  line(stream: LogStream, text: string): void {
    this.listener?.onLine(stream, text);
  }

  /** The host says that it has ended. What it still sent may not have been read yet. */
  ended(exit: FunctionProcessExit): void {
    if (this.exit !== undefined) return;
    this.exit = exit;
    if (this.connection === undefined) this.report();
    else this.clock.setTimeout(() => this.connection?.destroy(), STRAGGLER_MS);
  }

  /** Its host is gone and can end nothing any more. What it still had to say is dropped. */
  orphaned(): void {
    if (this.exit === undefined && this.pid !== undefined) killGroup(this.pid);
    const failure = new EdgeError('DEPLOYMENT_TIMED_OUT', 'its component host is gone');
    this.exit ??= { exitCode: null, signal: null, failure };
    this.connection?.destroy();
    this.report();
  }

  private channelClosed(failure: Error | undefined): void {
    this.connection = undefined;
    this.failure ??= failure;
    if (this.exit === undefined) this.kill();
    else this.report();
  }

  private report(): void {
    if (this.isReported) return;
    this.isReported = true;
    this.reportGone();
    this.listener?.onExit(this.result());
  }

  private result(): FunctionProcessExit {
    const exit = this.exit ?? { exitCode: null, signal: null };
    return this.failure ? { ...exit, failure: this.failure } : exit;
  }
}
