import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { EdgeError } from '../../../protocol';
import { createFunctionHost, type FunctionLogLine } from '../../../runtime/host';
import type { FunctionHost } from '../../../runtime/types';
import { projectRoot } from '../../dev/folders';

export interface CloudFunctionHostOptions {
  /** `dist/edge/functionProcess.cjs` of this package unless told. */
  processScript?: string;
  /** Pre-started processes; 2 unless told. */
  poolSize?: number;
  /** Without it the lines go to the log. */
  onLog?: (line: FunctionLogLine) => void;
}

/** The cloud runs functions as an edge does. Throws EdgeError NOT_FOUND before `npm run build`. */
export function startFunctionHost(
  log: Logger,
  { processScript, poolSize = 2, onLog }: CloudFunctionHostOptions,
): FunctionHost {
  const script = processScript ?? join(projectRoot(), 'dist/edge/functionProcess.cjs');
  if (!existsSync(script)) throw new EdgeError('NOT_FOUND', `${script} is not built: npm run build`);
  return createFunctionHost({ processScript: script, poolSize, log, ...(onLog && { onLog }) });
}
