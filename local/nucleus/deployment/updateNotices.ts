import { systemClock } from '../../../lib/clock';
import { pause, withinTime } from '../../../lib/timeLimit';

/** `ComponentUpdatePolicyEvents` of the IPC service model. */
export interface UpdateEvent {
  preUpdateEvent?: { deploymentId: string; isGgcRestarting: boolean };
  postUpdateEvent?: { deploymentId: string };
}

type Send = (event: UpdateEvent) => void;

interface Round {
  deploymentId: string;
  waiting: Set<string>;
  /** The longest deferral so far, in milliseconds. */
  deferMs: number;
  finish: () => void;
}

/**
 * Asks components whether an update suits them, as a deployment with NOTIFY_COMPONENTS does: each that
 * subscribed may defer; who says nothing holds the deployment up until the time-out.
 */
export class UpdateNotices {
  readonly #subscribers = new Map<string, Set<Send>>();
  #round: Round | undefined;

  subscribe(component: string, send: Send): () => void {
    const sends = this.#subscribers.get(component) ?? new Set<Send>();
    this.#subscribers.set(component, sends.add(send));
    return () => {
      sends.delete(send);
      if (sends.size > 0) return;
      this.#subscribers.delete(component);
      this.#answered(component);
    };
  }

  answer(
    component: string,
    deploymentId: string,
    recheckAfterMs: number,
  ): 'notSubscribed' | 'late' | undefined {
    if (!this.#subscribers.has(component)) return 'notSubscribed';
    const round = this.#round;
    if (round?.deploymentId !== deploymentId || !round.waiting.has(component)) return 'late';
    round.deferMs = Math.max(round.deferMs, recheckAfterMs);
    this.#answered(component);
    return undefined;
  }

  /** Resolves when every subscriber agrees, or has let a whole time-out pass. */
  async ask(deploymentId: string, timeoutMs: number): Promise<void> {
    while (this.#subscribers.size > 0) {
      const deferMs = await this.#ask(deploymentId, timeoutMs);
      if (deferMs === 0) return;
      await pause(deferMs, undefined, systemClock);
    }
  }

  /** Tells that the update is over. */
  done(deploymentId: string): void {
    this.#send({ postUpdateEvent: { deploymentId } });
  }

  async #ask(deploymentId: string, timeoutMs: number): Promise<number> {
    const waiting = new Set(this.#subscribers.keys());
    const round: Round = { deploymentId, waiting, deferMs: 0, finish: () => undefined };
    this.#round = round;
    const answered = new Promise<void>((resolve) => (round.finish = resolve));
    this.#send({ preUpdateEvent: { deploymentId, isGgcRestarting: false } });
    await withinTime(systemClock, timeoutMs, answered, () => undefined);
    this.#round = undefined;
    return round.deferMs;
  }

  #answered(component: string): void {
    const round = this.#round;
    if (round?.waiting.delete(component) && round.waiting.size === 0) round.finish();
  }

  #send(event: UpdateEvent): void {
    for (const sends of this.#subscribers.values()) for (const send of sends) send(event);
  }
}
