import type { EdgeError } from '../protocol/errors';
import type { Reply } from '../protocol/topics';
import type { Progress } from './types';
import { readFailed, readReady } from './replies';
import type { Conversation, Outgoing, ReplyBody, NextStep } from './requests';

/** One message, one answer of kind `expected`. */
export function ask<T>(
  requestId: string,
  message: Outgoing,
  expected: Reply,
  read: (body: ReplyBody) => T,
): Conversation<T> {
  return {
    requestId,
    message: () => message,
    onReply(kind, body) {
      if (kind === 'failed') throw readFailed(body);
      return kind === expected ? { done: read(body) } : 'wait';
    },
  };
}

/** One message that nothing answers unless it fails early: done when the broker has it. */
export function call(requestId: string, message: Outgoing): Conversation<undefined> {
  return {
    requestId,
    message: () => message,
    onReply(kind, body) {
      if (kind === 'failed') throw readFailed(body);
      return 'wait';
    },
    onAcknowledged: () => ({ done: undefined }),
  };
}

export type Ready = ReturnType<typeof readReady>;

/**
 * Stages I and II of a deployment under one request id: request → available → confirm → ready, or
 * request → ready when the function is there already.
 */
export class DeploymentConversation implements Conversation<Ready> {
  readonly requestId: string;
  readonly #messages: { request: Outgoing; confirm: Outgoing };
  readonly #onProgress: (progress: Progress) => void;
  #stage: 'request' | 'confirm' = 'request';
  #startedOver = false;
  #claimed = false;

  constructor(
    requestId: string,
    messages: { request: Outgoing; confirm: Outgoing },
    onProgress: (progress: Progress) => void,
  ) {
    this.requestId = requestId;
    this.#messages = messages;
    this.#onProgress = onProgress;
  }

  /** Whether the edge may have claimed the function for this device on behalf of this conversation. */
  get claimed(): boolean {
    return this.#claimed;
  }

  message(): Outgoing {
    return this.#messages[this.#stage];
  }

  onReply(kind: Reply, body: ReplyBody): NextStep<Ready> {
    if (kind === 'ready') return { done: readReady(body) };
    if (kind === 'available') return this.#confirm();
    if (kind === 'failed') return this.#fail(readFailed(body));
    if (kind === 'progress') this.#progress(body as unknown as Progress);
    return 'wait';
  }

  /** An edge that is deploying the function already, for another device, waits for no confirmation. */
  #progress(progress: Progress): void {
    if (progress.stage !== 'validating') this.#claimed = true;
    this.#onProgress(progress);
  }

  #confirm(): NextStep<Ready> {
    // A second answer to a request that was sent twice.
    if (this.#stage === 'confirm') return 'wait';
    this.#stage = 'confirm';
    this.#claimed = true;
    return 'send';
  }

  /**
   * NOT_OFFERED means that this edge knows nothing of the offer: it was restarted, it is another edge,
   * or the offer lapsed. Then all starts again from stage I; at once the first time, later only at the
   * pace of the retries, so that an edge that forgets everything is not flooded.
   */
  #fail(error: EdgeError): NextStep<Ready> {
    if (error.code !== 'NOT_OFFERED') throw error;
    if (this.#stage === 'request') return 'wait';
    this.#stage = 'request';
    if (this.#startedOver) return 'wait';
    this.#startedOver = true;
    return 'send';
  }
}
