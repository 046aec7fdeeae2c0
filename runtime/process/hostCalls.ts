import { EdgeError } from '../../protocol/errors';
import { bounded, MAX_OPEN_ASKS } from '../hostApi';
import type { AnswerMessage, HostAskMessage, OfferedApi } from '../processMessages';

interface Waiting {
  resolve: (output: unknown) => void;
  reject: (error: EdgeError) => void;
}

/** The methods of the host, for one call. */
export type HostMethods = Record<string, (...values: unknown[]) => Promise<unknown>>;

/** What the function in this process asks of its host. */
export class HostCalls {
  private readonly open = new Map<number, Waiting>();
  private readonly queue: { json: string; id: number; waiting: Waiting }[] = [];
  private last = 0;

  constructor(
    private readonly send: (json: string) => void,
    private readonly onWaiting: (isWaiting: boolean) => void,
  ) {}

  get isWaiting(): boolean {
    return this.open.size > 0;
  }

  /** Each method rejects with BAD_REQUEST for what JSON cannot express, PAYLOAD_TOO_LARGE, and what the host answers. */
  forCall(requestId: string, { methods, maxBytes }: OfferedApi): HostMethods {
    const methodOf = ([method, names]: [string, readonly string[]]) => [
      method,
      async (...values: unknown[]): Promise<unknown> => {
        const parameters = Object.fromEntries(names.map((name, at) => [name, values[at]]));
        const id = ++this.last;
        return this.ask(id, encode({ type: 'ask', id, requestId, method, parameters }, maxBytes));
      },
    ];
    return Object.fromEntries(Object.entries(methods).map(methodOf)) as HostMethods;
  }

  receive(answer: AnswerMessage): void {
    const waiting = this.open.get(answer.id);
    if (waiting === undefined) return;
    this.open.delete(answer.id);
    if ('error' in answer) waiting.reject(EdgeError.fromJSON(answer.error));
    else waiting.resolve(answer.output);
    const next = this.queue.shift();
    if (next !== undefined) this.begin(next.id, next.json, next.waiting);
    else if (!this.isWaiting) this.onWaiting(false);
  }

  private ask(id: number, json: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      if (this.open.size < MAX_OPEN_ASKS) this.begin(id, json, waiting);
      else this.queue.push({ id, json, waiting });
    });
  }

  private begin(id: number, json: string, waiting: Waiting): void {
    this.open.set(id, waiting);
    this.onWaiting(true);
    this.send(json);
  }
}

function encode(ask: HostAskMessage, maxBytes: number): string {
  try {
    for (const value of Object.values(ask.parameters)) bounded(value, maxBytes, 'PAYLOAD_TOO_LARGE');
    return JSON.stringify(ask);
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError('BAD_REQUEST', 'the payload cannot be written as JSON', { field: 'payload', cause });
  }
}
