import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * The folder of this package: where `dist/` is, from source and from a bundle alike. Whatever its
 * name: `serverless create` renames what it copies.
 */
export function projectRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package around ${__dirname}`);
  }
}

export interface TemporaryFolder {
  /** For a child process. */
  readonly variables: Record<'TMPDIR' | 'TMP' | 'TEMP', string>;
  remove(): Promise<void>;
}

/**
 * A temporary folder for a child process, to be removed when that has ended: serverless-esbuild makes one
 * folder there for each function that it bundles and never removes it. For processes that make no Unix
 * sockets there, whose paths are short.
 */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-tmp-'));
  return {
    variables: { TMPDIR: folder, TMP: folder, TEMP: folder },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** For a child process that `work` starts and sees ended. */
export async function withTemporaryFolder<T>(
  work: (variables: TemporaryFolder['variables']) => Promise<T>,
): Promise<T> {
  const folder = await temporaryFolder();
  try {
    return await work(folder.variables);
  } finally {
    await folder.remove();
  }
}
