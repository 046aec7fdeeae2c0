import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { EdgeError, parseJsonWith } from '../protocol';

/**
 * `.edge/stack.json`: a stack of the local cloud, which has no CloudFormation that one could ask.
 * `sls edge dev` writes it while it runs; the commands read it with `--local`.
 */
const stackFileSchema = z.strictObject({
  format: z.literal(1),
  stackName: z.string(),
  region: z.string(),
  outputs: z.record(z.string(), z.string()),
  /** `AWS_ENDPOINT_URL_*` and credentials of the local cloud's operator, which are good for nothing else. */
  environment: z.record(z.string(), z.string()),
  /** PEM of the authority of the local cloud's servers. */
  ca: z.string(),
  /** Where devices ask for their edge. */
  discoveryUrl: z.string(),
});
export type StackFile = z.infer<typeof stackFileSchema>;

export const STACK_FILE = 'stack.json';

/** Throws CLOUD_UNREACHABLE when there is none. */
export async function readStackFile(file: string): Promise<StackFile> {
  try {
    return parseJsonWith(stackFileSchema, await readFile(file, 'utf8'), file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new EdgeError('CLOUD_UNREACHABLE', `no local cloud runs here: ${file} is not there`, {
      expected: 'start it with "sls edge dev", or leave out --local',
      cause,
    });
  }
}
