import { randomUUID } from 'node:crypto';
import type { Link } from '../device/link';

/** Asks and answers over one link, matched by request id, with nothing in between: what is timed is the wire. */
export class Wire {
  private readonly waiting = new Map<string, (reply: WireReply) => void>();

  constructor(
    private readonly link: Link,
    private readonly qos: 0 | 1,
  ) {}

  /** To be given as the link's `message` event. */
  handle(topic: string, payload: Uint8Array): void {
    const body = JSON.parse(Buffer.from(payload).toString('utf8')) as { requestId?: string };
    const kind = topic.slice(topic.lastIndexOf('/') + 1);
    if (kind === 'progress' || body.requestId === undefined) return;
    const settle = this.waiting.get(body.requestId);
    this.waiting.delete(body.requestId);
    settle?.({ kind, body });
  }

  /** Milliseconds from publishing to the answer. Throws when the answer is not `expected`. */
  async time(
    topic: string,
    message: Record<string, unknown>,
    expected: string,
    requestId: string = randomUUID(),
  ): Promise<Timed> {
    const start = performance.now();
    const answer = new Promise<WireReply>((resolve) => this.waiting.set(requestId, resolve));
    void this.link.publish(topic, JSON.stringify({ requestId, ...message }), this.qos);
    const { kind, body } = await answer;
    const ms = performance.now() - start;
    if (kind !== expected)
      throw new Error(`${topic}: expected ${expected}, got ${kind}: ${JSON.stringify(body)}`);
    return { ms, requestId, body };
  }
}

interface WireReply {
  kind: string;
  body: Record<string, unknown>;
}

export interface Timed {
  ms: number;
  requestId: string;
  body: Record<string, unknown>;
}
