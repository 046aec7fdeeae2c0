import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives a child process a temporary folder of its own, which goes when it has ended: serverless-esbuild
 * makes one folder there for each function that it bundles and never removes it. For processes that make
 * no Unix sockets there, whose paths are short.
 */
export async function withTemporaryFolder<T>(
  work: (variables: Record<'TMPDIR' | 'TMP' | 'TEMP', string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-tmp-'));
  try {
    return await work({ TMPDIR: folder, TMP: folder, TEMP: folder });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
