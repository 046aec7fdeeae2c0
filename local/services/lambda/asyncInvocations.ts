import { randomUUID } from 'node:crypto';
import { backoffMs } from '../../../lib/backoff';
import type { Clock, Timer } from '../../../lib/clock';
import { AwsError, type CloudContext } from '../../base/context';
import { reportFailure, type FailedEvent, type QueuedEvent } from './destinations';
import { LATEST, type FunctionRecord } from './functionRecord';
import { INVALID_RUNTIME, type InvokeCall, type Invoker } from './invoker';
import { parseFunctionRef, type FunctionRef } from './names';
import type { ParsedEventInvokeConfig } from './props';
import type { Destinations, InvokeResult } from './types';

export interface AsyncInvocationsOptions {
  context: CloudContext;
  clock: Clock;
  invoker: Invoker;
  find: (name: string) => FunctionRecord | undefined;
  /** Milliseconds before the second and the third attempt; AWS: one and two minutes. */
  retryDelaysMs: readonly number[];
  /** Milliseconds before the first retry of a throttled call; doubles up to 5 minutes. */
  throttleDelayMs: number;
  destinations: Destinations;
}

const DEFAULTS: ParsedEventInvokeConfig = {
  MaximumRetryAttempts: 2,
  MaximumEventAgeInSeconds: 21_600,
  DestinationConfig: {},
};
const LONGEST_THROTTLE_DELAY_MS = 5 * 60_000;

/** How far one event has come. Passed on, not kept: a duplicated delivery is a chain of its own. */
interface Attempt {
  failures: number;
  throttles: number;
  last?: InvokeResult;
}

/**
 * Lambda's queue of asynchronous invocations: a function that fails is tried twice more, a throttled one
 * again and again until the event is too old; what never succeeds goes to the on-failure destination.
 * Source: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".
 */
export class AsyncInvocations {
  readonly #options: AsyncInvocationsOptions;
  readonly #timers = new Set<Timer>();
  #closed = false;

  constructor(options: AsyncInvocationsOptions) {
    this.#options = options;
  }

  /** Gives the id of the request. */
  enqueue({ name, qualifier }: FunctionRef, call: InvokeCall): string {
    const queuedAt = this.#options.clock.now();
    const event = { requestId: randomUUID(), ...call, functionName: name, qualifier, queuedAt };
    this.#deliver(event, { failures: 0, throttles: 0 });
    return event.requestId;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #deliver(event: QueuedEvent, attempt: Attempt): void {
    const { context } = this.#options;
    context.events.deliver('lambdaAsync', event.functionName, async () => {
      if (this.#closed) return;
      try {
        await this.#attempt(event, attempt);
      } catch (error) {
        context.log.error({ err: error, function: event.functionName }, 'asynchronous invocation lost');
      }
    });
  }

  async #attempt(event: QueuedEvent, attempt: Attempt): Promise<void> {
    const { find, invoker, clock, context } = this.#options;
    const record = find(event.functionName);
    if (record === undefined) {
      context.log.warn({ function: event.functionName }, 'asynchronous event dropped: the function is gone');
      return;
    }
    const config = configOf(record, event.qualifier);
    if (clock.now() - event.queuedAt > config.MaximumEventAgeInSeconds * 1000) {
      return this.#fail(record, config, event, attempt, 'EventAgeExceeded');
    }
    let result: InvokeResult;
    try {
      result = await invoker.invoke(record, event.qualifier, event, 'async');
    } catch (error) {
      this.#postpone(event, attempt, error);
      return;
    }
    if (result.functionError === undefined) return;
    const failed = { ...attempt, failures: attempt.failures + 1, last: result };
    context.log.debug(
      {
        function: event.functionName,
        requestId: event.requestId,
        attempt: failed.failures,
        payload: result.payload,
      },
      'asynchronous invocation failed',
    );
    if (failed.failures > config.MaximumRetryAttempts) {
      return this.#fail(record, config, event, failed, 'RetriesExhausted');
    }
    const delays = this.#options.retryDelaysMs;
    this.#later(event, failed, delays[failed.failures - 1] ?? delays.at(-1) ?? 0);
  }

  /** Throttled, or the service itself failed: that is not an attempt of the function. */
  #postpone(event: QueuedEvent, attempt: Attempt, error: unknown): void {
    const { context, throttleDelayMs } = this.#options;
    if (error instanceof AwsError && (error.status === 404 || error.code === INVALID_RUNTIME)) {
      context.log.warn({ err: error, function: event.functionName }, 'asynchronous event dropped');
      return;
    }
    context.log.debug({ err: error, function: event.functionName }, 'asynchronous invocation postponed');
    const pauses = { first: throttleDelayMs, most: LONGEST_THROTTLE_DELAY_MS };
    const delay = backoffMs(attempt.throttles, pauses);
    this.#later(event, { ...attempt, throttles: attempt.throttles + 1 }, delay);
  }

  #later(event: QueuedEvent, attempt: Attempt, delayMs: number): void {
    if (this.#closed) return;
    const timer = this.#options.clock.setTimeout(() => {
      this.#timers.delete(timer);
      this.#deliver(event, attempt);
    }, delayMs);
    this.#timers.add(timer);
  }

  async #fail(
    record: FunctionRecord,
    config: ParsedEventInvokeConfig,
    event: QueuedEvent,
    { failures, last }: Attempt,
    condition: FailedEvent['condition'],
  ): Promise<void> {
    const { context, clock, destinations } = this.#options;
    const destination = config.DestinationConfig.OnFailure?.Destination;
    const failed: FailedEvent = { ...event, condition, attempts: failures, ...(last && { last }) };
    const invokeAsync = (functionArn: string, message: unknown) =>
      this.enqueue(parseFunctionRef(functionArn), { event: message });
    const surroundings = { context, targets: destinations, now: () => clock.now(), invokeAsync };
    await reportFailure(surroundings, record, failed, destination === '' ? undefined : destination);
  }
}

function configOf(record: FunctionRecord, qualifier: string | undefined): ParsedEventInvokeConfig {
  return record.eventInvokeConfigs.get(qualifier ?? LATEST) ?? DEFAULTS;
}
