import type { ErrorBody } from '../../../protocol';
import type { FunctionFailure } from '../engine';

/** A deployment that cannot be because of these functions; without them it can. */
export class Undeliverable extends Error {
  constructor(
    readonly error: ErrorBody,
    readonly failures: Record<string, FunctionFailure>,
  ) {
    super(error.message);
  }
}
