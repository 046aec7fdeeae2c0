import middy, { type MiddlewareObj } from '@middy/core';
import { EdgeError } from '../../protocol';
import type { Log } from '../ports';

/** Wraps a function of an asynchronous trigger: what it throws is logged, and Lambda calls it again. */
export function eventFunction(log: Log, run: (event: unknown) => Promise<void>) {
  return middy<unknown, unknown>()
    .use(errorLog(log))
    .handler(async (event) => run(event));
}

function errorLog(log: Log): MiddlewareObj<unknown, unknown> {
  return {
    onError: ({ error, context }) => {
      const body = EdgeError.from(error).toJSON();
      log.error({ error: body, stack: error?.stack, awsRequestId: context.awsRequestId }, 'failed');
    },
  };
}
