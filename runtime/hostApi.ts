import { toJson } from '../lib/json';
import { EdgeError } from '../protocol/errors';
import { encodeFrame } from './frames';
import type { AnswerMessage, HostAskMessage, OfferedApi } from './processMessages';
import type { FunctionCall, FunctionSpec } from './types';

/** What a host offers to the functions that it runs, and who answers. */
export interface HostApi extends OfferedApi {
  /** Must be JSON, or undefined. Throws EdgeError, which the function gets. */
  answer: (ask: HostAsk) => Promise<unknown>;
}

/** What one call asks for. Nothing in `parameters` but the size was checked: a function may write anything. */
export interface HostAsk {
  method: string;
  parameters: Readonly<Record<string, unknown>>;
  spec: FunctionSpec;
  call: FunctionCall;
  /** Milliseconds that the call may still run. */
  remainingMs: () => number;
}

/** Asks of one instance that may be unanswered at once. Its process keeps to it: the others wait there. */
export const MAX_OPEN_ASKS = 16;

/** The asks of one instance: answers each exactly once, in whatever order they are done. */
export class Asks {
  private open = 0;
  private current: Pick<HostAsk, 'spec' | 'call' | 'remainingMs'> | undefined;

  constructor(
    private readonly api: HostApi,
    private readonly sendFrame: (frame: Buffer) => void,
  ) {}

  begin(current: Pick<HostAsk, 'spec' | 'call' | 'remainingMs'>): void {
    this.current = current;
  }

  /** The call is over: what it still asks for is refused. */
  end(): void {
    this.current = undefined;
  }

  receive(ask: HostAskMessage): void {
    this.open += 1;
    this.answer(ask)
      .then(
        (json) => `{"type":"answer","id":${ask.id}${json === undefined ? '' : `,"output":${json}`}}`,
        (thrown: unknown) => {
          const error = EdgeError.from(thrown).toJSON();
          return JSON.stringify({ type: 'answer', id: ask.id, error } satisfies AnswerMessage);
        },
      )
      .then(
        (json) => {
          this.open -= 1;
          this.sendFrame(encodeFrame(json));
        },
        () => undefined,
      );
  }

  /** The output as JSON. */
  private async answer({ requestId, method, parameters }: HostAskMessage): Promise<string | undefined> {
    const { api, current } = this;
    if (current?.call.requestId !== requestId) throw new EdgeError('CLOSED', 'the call that asks is over');
    if (this.open > MAX_OPEN_ASKS) {
      throw new EdgeError('QUEUE_FULL', `a call may ask for ${MAX_OPEN_ASKS} things at once`, {
        details: { limit: MAX_OPEN_ASKS },
      });
    }
    if (!Object.hasOwn(api.methods, method)) throw new EdgeError('BAD_REQUEST', `no method ${method}`);
    for (const value of Object.values(parameters)) bounded(value, api.maxBytes, 'PAYLOAD_TOO_LARGE');
    const output = await api.answer({ ...current, method, parameters });
    return output === undefined ? undefined : bounded(output, api.maxBytes, 'RESULT_TOO_LARGE');
  }
}

/** As JSON. Throws `code` when that is over `limit` bytes. */
export function bounded(
  value: unknown,
  limit: number,
  code: 'PAYLOAD_TOO_LARGE' | 'RESULT_TOO_LARGE',
): string {
  const json = toJson(value);
  const bytes = Buffer.byteLength(json);
  if (bytes <= limit) return json;
  throw new EdgeError(code, undefined, { details: { bytes, limit } });
}
