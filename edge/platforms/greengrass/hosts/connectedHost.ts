import { encodeFrame, type FramedSocket } from '../../../../runtime/frames';
import { hostNoticeSchema, type HelloMessage, type HostCommand, type HostNotice } from './hostMessages';
import type { HostedProcess, ProcessKeeper } from './hostedProcess';

export interface HostEvents {
  /** It was told to stop. True: it serves on until `release`, or until it has to go. */
  onLeaving: (host: ConnectedHost) => boolean;
  /** Its connection has ended, and with it everything that it ran. */
  onGone: (host: ConnectedHost) => void;
}

/** A component host that is connected: starts and ends the processes of one function version. */
export class ConnectedHost implements ProcessKeeper {
  isLeaving = false;
  private isHeld = false;
  private readonly processes = new Map<string, HostedProcess>();

  constructor(
    readonly hello: HelloMessage,
    private readonly connection: FramedSocket,
    private readonly events: HostEvents,
  ) {
    connection.listener = {
      onMessage: (message) => this.receive(hostNoticeSchema.parse(message)),
      onClosed: () => this.closed(),
    };
  }

  /** Whether it takes new processes. */
  get isServing(): boolean {
    return !this.isLeaving || this.isHeld;
  }

  /** The version for which it went on serving has taken over. */
  release(): void {
    this.isHeld = false;
    this.releaseWhenEmpty();
  }

  start(process: HostedProcess): void {
    process.keeper = this;
    this.processes.set(process.instance, process);
    const { instance, environment } = process;
    this.tell({ type: 'start', instance, ...(environment && { environment }) });
  }

  end({ instance }: HostedProcess): void {
    this.tell({ type: 'end', instance });
  }

  /** Ends the connection; the host then tries to connect again until it is stopped. */
  disconnect(): void {
    this.connection.destroy();
  }

  private receive(notice: HostNotice): void {
    if (notice.type === 'leaving') {
      this.leave();
      return;
    }
    const process = this.processes.get(notice.instance);
    if (process === undefined) return;
    if (notice.type === 'started') process.started(notice.pid);
    else if (notice.type === 'line') process.line(notice.stream, notice.text);
    else this.exited(process, notice);
  }

  private exited(process: HostedProcess, notice: Extract<HostNotice, { type: 'exited' }>): void {
    const { exitCode, signal, failure } = notice;
    this.processes.delete(process.instance);
    process.ended({ exitCode, signal, ...(failure !== undefined && { failure: new Error(failure) }) });
    this.releaseWhenEmpty();
  }

  private leave(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.isHeld = this.events.onLeaving(this);
    this.releaseWhenEmpty();
  }

  private releaseWhenEmpty(): void {
    if (!this.isServing && this.processes.size === 0) this.tell({ type: 'released' });
  }

  private closed(): void {
    const processes = [...this.processes.values()];
    this.processes.clear();
    // This comes first, so that processes in their place are not started here.
    this.events.onGone(this);
    for (const process of processes) process.orphaned();
  }

  private tell(command: HostCommand): void {
    this.connection.sendFrame(encodeFrame(JSON.stringify(command)));
  }
}
