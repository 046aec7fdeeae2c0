import type { Socket } from 'node:net';

/**
 * The frames between a host and a function's process, both ways: `uint32 big-endian length`, then
 * that many bytes of JSON. Nothing in them is particular to Node.
 */
const HEADER_BYTES = 4;

/** Lambda's limit for the payload of a synchronous call, and so for events and results here. */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** A frame is a payload with its envelope. */
const MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + 256 * 1024;

/** The other side broke the framing; nothing after it can be trusted. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** One frame. `json` is the message as JSON text, so that a payload is encoded only once. */
export function encodeFrame(json: string): Buffer {
  const length = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame.write(json, HEADER_BYTES, 'utf8');
  return frame;
}

/** Turns chunks, however they were split or joined on the way, back into messages. */
export class FrameDecoder {
  private chunks: Buffer[] = [];
  private buffered = 0;
  private wanted = HEADER_BYTES;
  private inBody = false;

  /** `maxBytes`: the longest body that is accepted. */
  constructor(private readonly maxBytes = MAX_FRAME_BYTES) {}

  /** Calls `onMessage` with each message that is complete. Throws FrameError. */
  push(chunk: Buffer, onMessage: (message: unknown) => void): void {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    while (this.buffered >= this.wanted) {
      const part = this.take(this.wanted);
      if (this.inBody) {
        this.expect(HEADER_BYTES, false);
        onMessage(parse(part));
      } else {
        this.expect(this.bodyLength(part), true);
      }
    }
  }

  private expect(bytes: number, inBody: boolean): void {
    this.wanted = bytes;
    this.inBody = inBody;
  }

  private bodyLength(header: Buffer): number {
    const length = header.readUInt32BE(0);
    if (length > this.maxBytes) throw new FrameError(`a frame of ${length} bytes, at most ${this.maxBytes}`);
    return length;
  }

  /** The next `count` bytes. Joins chunks only when they are all there: once per frame. */
  private take(count: number): Buffer {
    let first = this.chunks[0] ?? Buffer.alloc(0);
    if (first.length < count) {
      first = Buffer.concat(this.chunks, this.buffered);
      this.chunks = [first];
    }
    this.buffered -= count;
    if (first.length === count) this.chunks.shift();
    else this.chunks[0] = first.subarray(count);
    return first.length === count ? first : first.subarray(0, count);
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new FrameError('a frame that is not JSON', { cause: error });
  }
}

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
