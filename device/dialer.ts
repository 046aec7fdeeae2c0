import { EdgeError } from '../protocol/errors';
import { unlessAborted } from '../lib/timeLimit';
import type { Candidate, Link, LinkEvents, OpenLink } from './link';

/** A link on which the edge has greeted the device. */
export interface Dialed<G> {
  link: Link;
  candidate: Candidate;
  greeting: G;
  /** Resolves with the reason when the link is lost. */
  lost: Promise<Error>;
}

export interface DialerWorld<G> {
  /** The addresses to try, in order. */
  locate: (signal: AbortSignal) => Promise<Candidate[]>;
  openLink: OpenLink;
  message: LinkEvents['message'];
  /** Subscribes and joins; an edge that does not let the device join is no edge for it. */
  greet: (link: Link, signal: AbortSignal) => Promise<G>;
}

/** After so many rounds in vain the edge may have moved: ask again where it is. */
const LOCATE_AGAIN_AFTER = 2;

/** Finds an edge core that takes the device: tries each known address in order, once per `dial`. */
export class Dialer<G> {
  readonly #world: DialerWorld<G>;
  #candidates: Candidate[] = [];
  #failedRounds = 0;

  constructor(world: DialerWorld<G>) {
    this.#world = world;
  }

  /**
   * Throws the most telling failure of the round: a refusal, else EDGE_NOT_FOUND with every address
   * that was tried in `details.tried`.
   */
  async dial(signal: AbortSignal): Promise<Dialed<G>> {
    try {
      await this.#locate(signal);
      const dialed = await this.#tryAll(signal);
      this.#failedRounds = 0;
      this.#putFirst(dialed.candidate);
      return dialed;
    } catch (error) {
      this.#failedRounds += 1;
      throw error;
    }
  }

  async #locate(signal: AbortSignal): Promise<void> {
    if (this.#candidates.length > 0 && this.#failedRounds < LOCATE_AGAIN_AFTER) return;
    try {
      this.#candidates = await unlessAborted(signal, () => this.#world.locate(signal));
    } catch (error) {
      // Old addresses are better than none.
      if (this.#candidates.length === 0 || signal.aborted) throw error;
    }
  }

  async #tryAll(signal: AbortSignal): Promise<Dialed<G>> {
    const failures: { candidate: Candidate; error: EdgeError }[] = [];
    for (const candidate of this.#candidates) {
      try {
        return await this.#try(candidate, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        failures.push({ candidate, error: EdgeError.from(error, 'EDGE_NOT_FOUND') });
      }
    }
    throw mostTelling(failures);
  }

  async #try(candidate: Candidate, signal: AbortSignal): Promise<Dialed<G>> {
    let lose: (error: Error) => void = () => undefined;
    const lost = new Promise<Error>((resolve) => (lose = resolve));
    const events = { message: this.#world.message, interrupted: (error: Error) => lose(error) };
    const link = await this.#world.openLink(candidate, events, signal);
    try {
      const failed = lost.then((error) => Promise.reject(error));
      const greeting = await unlessAborted(signal, () =>
        Promise.race([this.#world.greet(link, signal), failed]),
      );
      return { link, candidate, greeting, lost };
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  #putFirst(candidate: Candidate): void {
    this.#candidates = [candidate, ...this.#candidates.filter((other) => other !== candidate)];
  }
}

const MAY_HAVE_MOVED =
  'Is it up, and is this still its address? ' +
  '"sls edge dev" writes <device>.json anew at each start, "sls edge device add" when you run it';

function mostTelling(failures: readonly { candidate: Candidate; error: EdgeError }[]): EdgeError {
  const tried = failures.map(({ candidate: { host, port }, error }) => ({
    host,
    port,
    code: error.code,
    message: error.message,
  }));
  const refusal = failures.find(({ error }) => error.code !== 'EDGE_NOT_FOUND')?.error;
  const summary = tried.map(({ host, port, message }) => `${host}:${port}: ${message}`).join('; ');
  const isGiven = failures.some(({ candidate }) => candidate.given);
  const message = `no edge core: ${summary}${isGiven ? `. ${MAY_HAVE_MOVED}` : ''}`;
  return new EdgeError(refusal?.code ?? 'EDGE_NOT_FOUND', refusal?.message ?? message, {
    details: { ...refusal?.details, tried },
    cause: refusal ?? failures[0]?.error,
  });
}
