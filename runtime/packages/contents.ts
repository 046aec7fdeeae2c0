import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { inParallel } from '../../lib/concurrency';
import type { PackageEntry } from '../../protocol/functionPackage';

/** What a package holds: by relative path the SHA-256 of a file's content, or of a link's target. */
export type Contents = Readonly<Record<string, string>>;

const FILES_AT_ONCE = 16;

export function contentsOf(entries: readonly PackageEntry[]): Contents {
  return Object.fromEntries(entries.map(({ path: name, content }) => [name, sha256(content)]));
}

/**
 * Changes whenever a file below `directory` is written, replaced, added or removed, at the cost of a look
 * at each: of the time of change, which the system alone sets, never of what is in it.
 */
export async function stampOf(directory: string, contents: Contents): Promise<string> {
  const paths = [...foldersOf(contents), ...Object.keys(contents)];
  const marks = await inParallel(paths, FILES_AT_ONCE, async (name) => {
    const found = await lstat(path.join(directory, name), { bigint: true }).catch(() => undefined);
    return found === undefined ? 'gone' : `${found.ino}:${found.size}:${found.ctimeNs}`;
  });
  return sha256(marks.join('\n'));
}

/** Removes what does not belong to the package. Resolves with whether all that does is there, as it was. */
export async function restore(directory: string, contents: Contents): Promise<boolean> {
  const folders = foldersOf(contents);
  const present = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of present) {
    const name = path.relative(directory, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/');
    if (entry.isDirectory() ? folders.has(name) : Object.hasOwn(contents, name)) continue;
    await rm(path.join(directory, name), { recursive: true, force: true });
  }
  const same = await inParallel(Object.entries(contents), FILES_AT_ONCE, async ([name, digest]) => {
    const content = await contentOf(path.join(directory, name)).catch(() => undefined);
    return content !== undefined && sha256(content) === digest;
  });
  return same.every(Boolean);
}

/** Of what lies there now. */
export async function readContents(directory: string): Promise<Contents> {
  const present = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = present.filter((entry) => !entry.isDirectory());
  const read = await inParallel(files, FILES_AT_ONCE, async (entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(directory, file).replaceAll(path.sep, '/');
    return [name, sha256(await contentOf(file))] as const;
  });
  return Object.fromEntries(read);
}

async function contentOf(file: string): Promise<Buffer | string> {
  const found = await lstat(file);
  return found.isSymbolicLink() ? readlink(file) : readFile(file);
}

/** The package's own folder is the empty path. */
function foldersOf(contents: Contents): Set<string> {
  const folders = new Set(['']);
  for (const name of Object.keys(contents)) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      if (folders.has(name.slice(0, at))) break;
      folders.add(name.slice(0, at));
    }
  }
  return folders;
}

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
