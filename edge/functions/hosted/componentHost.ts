import type { FramedSocket } from '../framedSocket';
import { encodeFrame } from '../frames';
import { hostNoticeSchema, type HelloMessage, type HostCommand, type HostNotice } from './hostMessages';
import type { HostedProcess, ProcessKeeper } from './hostedProcess';

export interface ComponentHostEvents {
  /** It was told to stop: it gets no new process. */
  onLeaving(host: ComponentHost): void;
  /** Its connection has ended, and with it everything that it ran. */
  onGone(host: ComponentHost): void;
}

/** A component host that is connected: starts and ends the processes of one function version. */
export class ComponentHost implements ProcessKeeper {
  isLeaving = false;
  private readonly processes = new Map<string, HostedProcess>();

  constructor(
    readonly hello: HelloMessage,
    private readonly connection: FramedSocket,
    private readonly events: ComponentHostEvents,
  ) {
    connection.listener = {
      onMessage: (message) => this.receive(hostNoticeSchema.parse(message)),
      onClosed: () => this.closed(),
    };
  }

  start(process: HostedProcess): void {
    process.keeper = this;
    this.processes.set(process.instance, process);
    this.tell({ type: 'start', instance: process.instance });
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
    this.events.onLeaving(this);
    this.releaseWhenEmpty();
  }

  private releaseWhenEmpty(): void {
    if (this.isLeaving && this.processes.size === 0) this.tell({ type: 'released' });
  }

  private closed(): void {
    const processes = [...this.processes.values()];
    this.processes.clear();
    for (const process of processes) process.orphaned();
    this.events.onGone(this);
  }

  private tell(command: HostCommand): void {
    this.connection.sendFrame(encodeFrame(JSON.stringify(command)));
  }
}
