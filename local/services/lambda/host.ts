import { createFunctionHost } from '../../../runtime/host';
import type { FunctionHost } from '../../../runtime/types';
import type { CloudContext } from '../../base/context';

export interface HostOptions {
  /** `dist/edge/functionProcess.cjs` */
  processScript: string;
  /** Pre-started idle processes. */
  poolSize?: number;
}

const POOL_SIZE = 1;

/** A host of Lambda's own; what functions print goes to the log at debug level. */
export function createOwnHost({ log }: CloudContext, { processScript, poolSize }: HostOptions): FunctionHost {
  return createFunctionHost({
    processScript,
    poolSize: poolSize ?? POOL_SIZE,
    log,
    onLog: ({ key, requestId, text }) =>
      log.debug({ function: key.split(':')[0], requestId, output: text }, 'function output'),
  });
}
