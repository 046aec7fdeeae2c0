import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgeError } from '../../protocol/errors';
import type { PackageEntry } from '../../protocol/functionPackage';
import { inParallel } from '../../lib/concurrency';

const FILES_AT_ONCE = 16;

/**
 * Writes the entries of a package that was read below `directory`, which must not exist yet, as files
 * that nobody may write, and resolves with all files and folders that it made. Throws PACKAGE_INVALID (two entries of one
 * name), PACKAGE_UNSAFE.
 */
export async function unpack(entries: readonly PackageEntry[], directory: string): Promise<string[]> {
  const folders = new Set([directory]);
  for (const entry of entries) {
    requireInside(directory, entry.path);
    folders.add(path.dirname(path.join(directory, entry.path)));
  }
  try {
    for (const folder of folders) await mkdir(folder, { recursive: true });
    await inParallel(entries, FILES_AT_ONCE, (entry) => write(path.join(directory, entry.path), entry));
  } catch (error) {
    throw asPackageError(error);
  }
  const files = entries.filter(({ link }) => !link);
  return [...files.map((entry) => path.join(directory, entry.path)), ...folders];
}

function write(target: string, { content, executable, link }: PackageEntry): Promise<void> {
  if (link) return symlink(content.toString('utf8'), target);
  return writeFile(target, content, { flag: 'wx', mode: executable ? 0o555 : 0o444 });
}

/** Resolves when the files and folders have reached the disk, power cut or not. */
export async function syncToDisk(paths: readonly string[]): Promise<void> {
  // One at a time: this happens in the background and must not take the disk from anyone.
  for (const file of paths) {
    const handle = await open(file, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function requireInside(directory: string, entry: string): void {
  if (path.resolve(directory, entry).startsWith(directory + path.sep)) return;
  throw new EdgeError('PACKAGE_UNSAFE', `entry "${entry}" leaves the folder of the package`, {
    field: entry,
  });
}

function asPackageError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(code ?? '')) return error;
  return new EdgeError('PACKAGE_INVALID', `entries of the package are in each other's way: ${message}`);
}
