import type { Readable } from 'node:stream';
import { MAX_MQTT_PAYLOAD, MAX_TOPIC_BYTES } from '../../../protocol';

/**
 * Bounds what one MQTT packet can make the broker hold: the parser waits for a whole packet, and MQTT
 * allows 256 MB. An oversized PUBLISH is shortened to just over the payload limit, so that it still
 * arrives, is refused with a code and its request id, and the connection stays in step; its further
 * bytes are dropped as they come. Any other packet over the limit is a fault of the client.
 */

/** Topic length, topic, packet id, and one byte more than a payload may have. */
export const MAX_PACKET_BYTES = 2 + MAX_TOPIC_BYTES + 2 + MAX_MQTT_PAYLOAD + 1;

const PUBLISH = 3;
const MAX_LENGTH_BYTES = 4;

export class PacketGuard {
  /** The beginning of a fixed header whose rest has not come yet. */
  private held: Buffer | undefined;
  /** Bytes of the current packet's body still to pass, and then to drop. */
  private pass = 0;
  private drop = 0;

  /**
   * What the parser may see of `chunk`; the chunk itself unless something in it is oversized. Throws
   * when a packet other than a PUBLISH is oversized, or a length is malformed.
   */
  filter(chunk: Buffer): Buffer {
    const data = this.held === undefined ? chunk : Buffer.concat([this.held, chunk]);
    this.held = undefined;
    const parts: Buffer[] = [];
    let kept = 0;
    let at = 0;
    while (at < data.length) {
      if (this.pass > 0) {
        const step = Math.min(this.pass, data.length - at);
        this.pass -= step;
        at += step;
        continue;
      }
      if (this.drop > 0) {
        parts.push(data.subarray(kept, at));
        const step = Math.min(this.drop, data.length - at);
        this.drop -= step;
        at += step;
        kept = at;
        continue;
      }
      const header = readHeader(data, at);
      if (header === undefined) {
        this.held = Buffer.from(data.subarray(at));
        return Buffer.concat([...parts, data.subarray(kept, at)]);
      }
      if (header.length > MAX_PACKET_BYTES) {
        parts.push(data.subarray(kept, at), shortenedHeader(data[at] ?? 0));
        kept = at + header.bytes;
        this.drop = header.length - MAX_PACKET_BYTES;
      }
      this.pass = Math.min(header.length, MAX_PACKET_BYTES);
      at += header.bytes;
    }
    if (parts.length === 0) return data;
    return Buffer.concat([...parts, data.subarray(kept)]);
  }
}

/** Undefined while the header is not complete. */
function readHeader(data: Buffer, at: number): { bytes: number; length: number } | undefined {
  let length = 0;
  for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
    const byte = data[at + 1 + i];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return { bytes: 2 + i, length };
  }
  throw new RangeError('malformed remaining length');
}

function shortenedHeader(first: number): Buffer {
  if (first >> 4 !== PUBLISH) throw new RangeError('the packet is too large');
  const bytes = [first];
  for (let rest = MAX_PACKET_BYTES; rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
  }
  return Buffer.from(bytes);
}

/** Puts a guard before whoever reads `socket`. A stream in between would cost every message its way. */
export function guardPackets(socket: Readable): void {
  const guard = new PacketGuard();
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  socket.read = (size?: number): Buffer | null => {
    const chunk = read(size);
    if (chunk === null) return null;
    try {
      const passed = guard.filter(chunk);
      return passed.length === 0 ? null : passed;
    } catch (error) {
      socket.destroy(error as Error);
      return null;
    }
  };
}
