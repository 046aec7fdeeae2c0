import type { EdgeCalls, EdgeInvokeOptions } from '../../protocol/edgeContext';
import { EdgeError } from '../../protocol/errors';
import { MAX_MQTT_PAYLOAD } from '../../protocol/limits';
import type { AnswerMessage, InvokeAsk, PublishAsk } from '../processMessages';

/** As MAX_OPEN_ASKS of asks.ts: more would be refused. */
const MAX_OPEN = 16;

interface Waiting {
  resolve(output: unknown): void;
  reject(error: EdgeError): void;
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/** What the function in this process asks of the core. */
export class EdgeAsks {
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

  /** `context.edge` of one call. */
  forCall(requestId: string): EdgeCalls {
    return {
      publish: async (topic: string, payload?: unknown): Promise<void> => {
        requireText(topic, 'topic');
        await this.ask({ type: 'publish', requestId, topic, payload }, payload);
      },
      invoke: async <Output>(name: string, input?: unknown, options: EdgeInvokeOptions = {}) => {
        requireText(name, 'function');
        const output = await this.ask({ ...invocation(requestId, name, options), input }, input);
        return output as Output;
      },
    };
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

  private ask(ask: Unnumbered<PublishAsk | InvokeAsk>, payload: unknown): Promise<unknown> {
    const id = ++this.last;
    const json = encode({ ...ask, id }, payload);
    const answered = new Promise<unknown>((resolve, reject) => {
      const waiting = { resolve, reject };
      if (this.open.size < MAX_OPEN) this.begin(id, json, waiting);
      else this.queue.push({ id, json, waiting });
    });
    return answered;
  }

  private begin(id: number, json: string, waiting: Waiting): void {
    this.open.set(id, waiting);
    this.onWaiting(true);
    this.send(json);
  }
}

function invocation(
  requestId: string,
  name: string,
  { location, version, timeout }: EdgeInvokeOptions,
): Unnumbered<InvokeAsk> {
  if (location !== undefined && !['edge', 'cloud', 'any'].includes(location)) {
    throw invalid('location', '"edge", "cloud" or "any"');
  }
  if (version !== undefined) requireText(version, 'version');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0)) {
    throw invalid('timeout', 'a number of milliseconds above 0');
  }
  return {
    type: 'invoke',
    requestId,
    function: name,
    ...(location !== undefined && { location }),
    ...(version !== undefined && { version }),
    ...(timeout !== undefined && Number.isFinite(timeout) && { timeoutMs: Math.ceil(timeout) }),
  };
}

/** Throws BAD_REQUEST for what JSON cannot express, PAYLOAD_TOO_LARGE. */
function encode(ask: PublishAsk | InvokeAsk, payload: unknown): string {
  let bytes: number;
  let json: string;
  try {
    bytes = Buffer.byteLength(JSON.stringify(payload) ?? 'null');
    json = JSON.stringify(ask);
  } catch (cause) {
    throw new EdgeError('BAD_REQUEST', 'the payload cannot be written as JSON', { field: 'payload', cause });
  }
  if (bytes <= MAX_MQTT_PAYLOAD) return json;
  throw new EdgeError('PAYLOAD_TOO_LARGE', undefined, { details: { bytes, limit: MAX_MQTT_PAYLOAD } });
}

function requireText(value: unknown, field: string): void {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a text');
}

function invalid(field: string, expected: string): EdgeError {
  return new EdgeError('BAD_REQUEST', `${field}: expected ${expected}`, { field, expected });
}
