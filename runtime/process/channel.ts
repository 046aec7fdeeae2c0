import { Socket } from 'node:net';
import { encodeFrame, FrameDecoder } from '../frames';
import type { HostMessage } from '../processMessages';

/** The descriptor that the core hands to each function process: a duplex socket pair. */
const DESCRIPTOR = 3;

export interface Channel {
  /** `json`: one message as JSON text. */
  send(json: string, sent?: () => void): void;
  /** Whether an open channel alone keeps the process alive. */
  keepAlive(keep: boolean): void;
}

/**
 * The core is gone when the channel ends, however it went: this process then ends too, by a signal
 * that no code of the function can put off.
 */
export function openChannel(onMessage: (message: HostMessage) => void): Channel {
  const socket = new Socket({ fd: DESCRIPTOR, readable: true, writable: true });
  const decoder = new FrameDecoder();
  const end = () => process.kill(process.pid, 'SIGKILL');
  socket.on('data', (chunk: Buffer) => decoder.push(chunk, (message) => onMessage(message as HostMessage)));
  socket.on('error', end);
  socket.on('close', end);
  return {
    send: (json, sent) => void socket.write(encodeFrame(json), sent),
    keepAlive: (keep) => void (keep ? socket.ref() : socket.unref()),
  };
}
