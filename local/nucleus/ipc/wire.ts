import { EventStreamCodec, type MessageHeaders } from '@smithy/eventstream-codec';

/**
 * Messages of the event-stream RPC that Greengrass IPC speaks: vnd.amazon.event-stream frames with the
 * headers `:message-type`, `:message-flags` and `:stream-id`. Source: aws-c-event-stream, event_stream_rpc.h.
 */
export const MessageType = {
  ApplicationMessage: 0,
  ApplicationError: 1,
  Ping: 2,
  PingResponse: 3,
  Connect: 4,
  ConnectAck: 5,
  ProtocolError: 6,
  InternalError: 7,
} as const;

export const MessageFlag = { None: 0, ConnectionAccepted: 1, TerminateStream: 2 } as const;

export interface RpcMessage {
  type: number;
  flags: number;
  /** 0: of the connection itself. */
  streamId: number;
  /** Text headers beside the three of the protocol. */
  headers: Record<string, string>;
  payload: Uint8Array;
}

/** The largest frame of the protocol, in bytes. */
const MAX_FRAME = 16 * 1024 * 1024;

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);

export function encodeMessage({ type, flags, streamId, headers, payload }: RpcMessage): Uint8Array {
  const wire: MessageHeaders = {
    ':message-type': { type: 'integer', value: type },
    ':message-flags': { type: 'integer', value: flags },
    ':stream-id': { type: 'integer', value: streamId },
  };
  for (const [name, value] of Object.entries(headers)) wire[name] = { type: 'string', value };
  return codec.encode({ headers: wire, body: payload });
}

/** Cuts a byte stream into messages. Throws for a frame that is too large or has a wrong checksum. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): RpcMessage[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: RpcMessage[] = [];
    while (this.#rest.length >= 4) {
      const length = this.#rest.readUInt32BE(0);
      if (length > MAX_FRAME) throw new RangeError(`a frame of ${length} bytes`);
      if (this.#rest.length < length) break;
      messages.push(decode(this.#rest.subarray(0, length)));
      this.#rest = this.#rest.subarray(length);
    }
    return messages;
  }
}

function decode(frame: Buffer): RpcMessage {
  const { headers, body } = codec.decode(frame);
  const numberOf = (name: string): number => {
    const header = headers[name];
    return header?.type === 'integer' ? header.value : 0;
  };
  const texts = Object.entries(headers).flatMap(([name, header]) =>
    header.type === 'string' ? [[name, header.value] as const] : [],
  );
  return {
    type: numberOf(':message-type'),
    flags: numberOf(':message-flags'),
    streamId: numberOf(':stream-id'),
    headers: Object.fromEntries(texts),
    payload: body,
  };
}
