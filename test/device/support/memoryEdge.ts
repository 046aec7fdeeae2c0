import { EdgeError } from '../../../protocol/errors';
import type { Candidate, Link, LinkEvents, OpenLink, QoS } from '../../../device/link';

export interface Published {
  topic: string;
  body: Record<string, unknown>;
  qos: QoS;
}

/** Links in memory: what the device publishes is kept, what the edge says is up to the test. */
export class MemoryEdge {
  readonly published: Published[] = [];
  readonly subscribed: string[] = [];
  readonly unsubscribed: string[] = [];
  /** Filters that the broker does not grant. */
  readonly refuses = new Set<string>();
  readonly dialed: Candidate[] = [];
  /** Candidates on which nobody answers. */
  readonly dead = new Set<number>();
  /** False: PUBACKs are withheld. */
  acknowledges = true;
  answersJoin = true;
  /** Called with each message; joins too when `answersJoin` is false. */
  script: (message: Published) => void = () => undefined;
  #events: LinkEvents | undefined;

  get connected(): boolean {
    return this.#events !== undefined;
  }

  readonly openLink: OpenLink = async (candidate, events) => {
    this.dialed.push(candidate);
    if (this.dead.has(candidate.port)) throw new Error(`nobody at port ${candidate.port}`);
    this.#events = events;
    return this.#link(events);
  };

  kinds(): string[] {
    return this.published.map(({ topic }) => topic.split('/').at(-1) ?? '');
  }

  last(): Published {
    const last = this.published.at(-1);
    if (last === undefined) throw new Error('nothing was published');
    return last;
  }

  reply(kind: string, body: unknown, device = 'sensor-1'): void {
    this.say(`edge/${device}/reply/${kind}`, JSON.stringify(body));
  }

  say(topic: string, payload: string): void {
    this.#events?.message(topic, Buffer.from(payload));
  }

  /** The connection breaks. */
  cut(): void {
    const events = this.#events;
    this.#events = undefined;
    events?.interrupted(new Error('cut'));
  }

  #link(events: LinkEvents): Link {
    const live = (): boolean => this.#events === events;
    return {
      publish: async (topic, payload, qos) => {
        if (!live()) throw new Error('not connected');
        const message = { topic, body: JSON.parse(payload) as Record<string, unknown>, qos };
        this.published.push(message);
        this.#answer(message);
        if (!this.acknowledges) await new Promise(() => undefined);
      },
      subscribe: async (filter) => {
        if (this.refuses.has(filter)) throw new EdgeError('FORBIDDEN_TOPIC');
        if (!live()) throw new Error('not connected');
        this.subscribed.push(filter);
      },
      unsubscribe: async (filter) => {
        this.unsubscribed.push(filter);
      },
      close: async () => {
        if (live()) this.#events = undefined;
      },
    };
  }

  #answer(message: Published): void {
    if (message.topic.endsWith('/ask/join') && this.answersJoin) {
      this.reply('joined', { requestId: message.body.requestId, edge: 'core-1', revision: 1 });
    } else {
      this.script(message);
    }
  }
}
