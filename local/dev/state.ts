import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EdgeError } from '../../protocol';
import { tryParseJson } from '../../lib/json';
import { writeDurably } from '../../lib/durableFile';

/** Rises when what lies in the folder cannot be used any more. */
const FORMAT = 1;
const FILE = 'dev.json';

const port = z.int().min(1).max(65_535);
const stateSchema = z.object({
  format: z.literal(FORMAT),
  /** By group. */
  edges: z.record(z.string(), port).default({}),
  discovery: port.optional(),
});
export type DevState = z.infer<typeof stateSchema>;

/**
 * What `sls edge dev` remembers of its last run in this folder: the ports, so that devices find it again.
 * Throws CONFLICT for a folder of another version.
 */
export async function readDevState(folder: string): Promise<DevState> {
  let text: string;
  try {
    text = await readFile(join(folder, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { format: FORMAT, edges: {} };
    throw error;
  }
  const known = stateSchema.safeParse(tryParseJson(text));
  if (known.success) return known.data;
  throw new EdgeError('CONFLICT', `${folder} is of another version of serverless-edge-on-demand`, {
    expected: `remove ${folder}; devices get new certificates then, in new files`,
  });
}

export async function writeDevState(folder: string, state: DevState): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(join(folder, FILE), `${JSON.stringify(state, null, 2)}\n`);
}
