import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createFunctionHost, type FunctionLogLine } from '../../../runtime/host';
import type { FunctionHost } from '../../../runtime/types';
import { EdgeError } from '../../../protocol';
import { projectRoot } from '../../dev/projectRoot';

export interface CloudFunctionHostOptions {
  /** Pre-started processes; 2 unless told. */
  poolSize?: number;
  /** Without it the lines go to the log. */
  onLog?(line: FunctionLogLine): void;
}

const PROCESS_SCRIPT = 'dist/edge/functionProcess.cjs';

/** The cloud runs functions as an edge does. Throws EdgeError NOT_FOUND before `npm run build`. */
export function startFunctionHost(
  log: Logger,
  { poolSize = 2, onLog }: CloudFunctionHostOptions,
): FunctionHost {
  const processScript = join(projectRoot(), PROCESS_SCRIPT);
  if (!existsSync(processScript)) {
    throw new EdgeError('NOT_FOUND', `${processScript} is not built: npm run build`);
  }
  return createFunctionHost({ processScript, poolSize, log, ...(onLog && { onLog }) });
}
