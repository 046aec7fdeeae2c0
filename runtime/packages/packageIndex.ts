import { open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { digestSchema } from '../../protocol/names';
import type { StoredPackage } from './evictions';
import { syncToDisk } from './unpack';

const indexSchema = z.object({
  packages: z.array(z.object({ digest: digestSchema, bytes: z.int(), lastUsed: z.number() })),
});

/**
 * The packages whose every byte is on disk. A folder that is not listed may be half written after a
 * power cut, although its rename survived. An unreadable index lists nothing.
 */
export async function readIndex(file: string): Promise<StoredPackage[]> {
  try {
    return indexSchema.parse(JSON.parse(await readFile(file, 'utf8'))).packages;
  } catch {
    return [];
  }
}

/** Replaces the index: after a power cut at any moment it is the old or the new one. */
export async function writeIndex(file: string, packages: readonly StoredPackage[]): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(JSON.stringify({ packages }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncToDisk([path.dirname(file)]);
}
