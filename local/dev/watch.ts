import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { watch } from 'chokidar';
import { maybeSource } from './changes';

export interface Watch {
  close(): Promise<void>;
}

/**
 * Tells of files below the folder, relative to it, that come, go or get other content. Resolves when it
 * watches. A file that is written again as it was is not told of: bundlers write where sources lie, too.
 */
export async function watchSources(folder: string, onSaved: (file: string) => void): Promise<Watch> {
  const contents = new Map<string, string>();
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (path) => path !== folder && !maybeSource(relative(folder, path)),
  });
  watcher.on('all', (event, path) => {
    if (event === 'addDir' || event === 'unlinkDir') return;
    void digestOf(path).then((digest) => {
      if (contents.get(path) === digest) return;
      contents.set(path, digest);
      onSaved(relative(folder, path));
    });
  });
  await new Promise<void>((resolve, reject) => {
    watcher.once('ready', resolve).once('error', reject);
  });
  // A folder that cannot be watched is no reason to end.
  watcher.on('error', () => undefined);
  return { close: () => watcher.close() };
}

async function digestOf(file: string): Promise<string> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch {
    return 'gone';
  }
}
