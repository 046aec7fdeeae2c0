import { EdgeError } from '../protocol/errors';
import { MAX_MQTT_PAYLOAD } from '../protocol/limits';
import { encodeFrame } from './frames';
import type { AnswerMessage, InvokeAsk, PublishAsk } from './processMessages';

/** Whose word an ask is: a function during one call. */
export interface CallOrigin {
  /** Of the function that asks. */
  functionName: string;
  functionVersion: string;
  publishes: readonly string[];
  invokes: readonly string[];
  /** Thing name of the device whose request all of this serves. */
  device: string;
  /** How many functions stand between the device and this one. */
  hops: number;
  /** Milliseconds that the call may still run. */
  remainingMs(): number;
}

/** Who answers what functions ask for. Both throw EdgeError, which the function gets. */
export interface AskHandler {
  /** `payload` is JSON text of at most MAX_MQTT_PAYLOAD bytes. */
  publish(origin: CallOrigin, topic: string, payload: string): void;
  invoke(origin: CallOrigin, ask: InvokeAsk): Promise<unknown>;
}

/** Asks of one instance that may be unanswered at once. Its process keeps to it (process/edgeAsks.ts). */
export const MAX_OPEN_ASKS = 16;

/** The asks of one instance: answers each exactly once, in whatever order they are done. */
export class Asks {
  private open = 0;
  private current: { requestId: string; origin: CallOrigin } | undefined;

  constructor(
    private readonly handler: AskHandler,
    private readonly sendFrame: (frame: Buffer) => void,
  ) {}

  begin(requestId: string, origin: CallOrigin): void {
    this.current = { requestId, origin };
  }

  /** The call is over: what it still asks for is refused. */
  end(): void {
    this.current = undefined;
  }

  receive(ask: PublishAsk | InvokeAsk): void {
    this.open += 1;
    this.answer(ask)
      .then(
        (json) => `{"type":"answer","id":${ask.id},"output":${json}}`,
        (thrown: unknown) => {
          const answer: AnswerMessage = {
            type: 'answer',
            id: ask.id,
            error: EdgeError.from(thrown).toJSON(),
          };
          return JSON.stringify(answer);
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
  private async answer(ask: PublishAsk | InvokeAsk): Promise<string> {
    const origin = this.current?.requestId === ask.requestId ? this.current.origin : undefined;
    if (origin === undefined) throw new EdgeError('CLOSED', 'the call that asks is over');
    if (this.open > MAX_OPEN_ASKS) {
      throw new EdgeError('QUEUE_FULL', `a call may ask for ${MAX_OPEN_ASKS} things at once`, {
        details: { limit: MAX_OPEN_ASKS },
      });
    }
    if (ask.type === 'publish') {
      this.handler.publish(origin, ask.topic, bounded(ask.payload, 'PAYLOAD_TOO_LARGE'));
      return 'null';
    }
    bounded(ask.input, 'PAYLOAD_TOO_LARGE');
    return bounded(await this.handler.invoke(origin, ask), 'RESULT_TOO_LARGE');
  }
}

/** As JSON. Throws `code` over the limit of a message to a device. */
function bounded(value: unknown, code: 'PAYLOAD_TOO_LARGE' | 'RESULT_TOO_LARGE'): string {
  const json = JSON.stringify(value) ?? 'null';
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_MQTT_PAYLOAD) return json;
  throw new EdgeError(code, undefined, { details: { bytes, limit: MAX_MQTT_PAYLOAD } });
}
