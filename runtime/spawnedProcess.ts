import { FunctionChild } from './childProcess';
import { FramedSocket } from './framedSocket';
import { encodeFrame } from './frames';
import type { FunctionProcess, ProcessExit, ProcessListener } from './functionProcess';
import { requireProcessMessage, type HostMessage } from './processMessages';

/** A child of the core, with its channel on descriptor 3. */
export class SpawnedProcess implements FunctionProcess {
  readonly gone: Promise<void>;
  private readonly child: FunctionChild;
  private readonly channel: FramedSocket;
  private listener: ProcessListener | undefined;
  private exit: ProcessExit | undefined;
  private failure: Error | undefined;
  private reportGone: () => void = () => undefined;

  constructor(script: string) {
    this.gone = new Promise((resolve) => (this.reportGone = resolve));
    this.child = new FunctionChild([script], 'pipe', {
      onLine: (stream, text) => this.listener?.onLine(stream, text),
      onExit: (exit) => this.ended(exit),
    });
    this.channel = new FramedSocket(this.child.channel, {
      onMessage: (value) => this.listener?.onMessage(requireProcessMessage(value)),
      onClosed: (failure) => this.channelClosed(failure),
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  listen(listener: ProcessListener): void {
    this.listener = listener;
    if (this.pid !== undefined) listener.onStarted?.(this.pid);
    const { exit } = this;
    if (exit !== undefined) queueMicrotask(() => listener.onExit(exit));
  }

  send(message: HostMessage): void {
    this.sendFrame(encodeFrame(JSON.stringify(message)));
  }

  sendFrame(frame: Buffer): void {
    this.channel.sendFrame(frame);
  }

  kill(): void {
    this.channel.destroy();
    this.child.kill();
  }

  /** Without its channel a process is of no use. */
  private channelClosed(failure: Error | undefined): void {
    this.failure ??= failure;
    this.kill();
  }

  private ended(exit: ProcessExit): void {
    this.exit = this.failure ? { ...exit, failure: this.failure } : exit;
    this.reportGone();
    this.listener?.onExit(this.exit);
  }
}
