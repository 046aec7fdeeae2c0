import type { Socket } from 'node:net';
import { FrameDecoder, FrameError, MAX_FRAME_BYTES } from './frames';

/** A call, and the answers to what it asked for, may wait to be read; whoever reads nothing is given up. */
const MAX_UNREAD_BYTES = 2 * MAX_FRAME_BYTES;

export interface FramedSocketListener {
  /** What it throws ends the connection: the other side broke the protocol. */
  onMessage(message: unknown): void;
  /** Once. `failure`: why this side ended it. */
  onClosed(failure?: Error): void;
}

/** A duplex socket that carries frames both ways: a descriptor of a child, or a Unix socket. */
export class FramedSocket {
  private readonly decoder = new FrameDecoder();
  private failure: Error | undefined;

  constructor(
    private readonly socket: Socket,
    /** May be replaced, when the first message says what the connection is for. */
    public listener: FramedSocketListener,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => undefined);
    socket.once('close', () => this.listener.onClosed(this.failure));
  }

  sendFrame(frame: Buffer): void {
    if (!this.socket.writable) return;
    if (this.socket.writableLength > MAX_UNREAD_BYTES) {
      this.fail(new FrameError(`the other side leaves over ${MAX_UNREAD_BYTES} bytes unread`));
    } else {
      this.socket.write(frame);
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    if (this.failure !== undefined) return;
    try {
      this.decoder.push(chunk, (message) => this.listener.onMessage(message));
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private fail(failure: Error): void {
    this.failure = failure;
    this.socket.destroy();
  }
}
