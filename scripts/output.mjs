// What one build makes: written beside and renamed, so that who reads meanwhile sees the old file or the
// new one; what earlier builds left is removed afterwards.
import { mkdir, readdir, readFile, rename, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

export class Output {
  made = new Set();
  began = Date.now();

  /** A file with the same content is left alone: a process that runs from it need not notice. */
  async write(file, contents) {
    this.made.add(file);
    const bytes = Buffer.from(contents);
    const before = await readFile(file).catch(() => undefined);
    if (before?.equals(bytes)) return;
    await mkdir(path.dirname(file), { recursive: true });
    const unfinished = `${file}.${process.pid}`;
    await writeFile(unfinished, bytes);
    await rename(unfinished, file);
  }

  /** Removes below `folder` what this build has not made, but for what lies below `kept`. */
  async prune(folder, kept = []) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const file = path.join(folder, entry.name);
      if (kept.includes(file)) continue;
      if (entry.isDirectory()) await this.prune(file, kept);
      else if (!this.made.has(file)) await this.remove(file);
    }
    const isEmpty = entries.length > 0 && (await readdir(folder)).length === 0;
    if (isEmpty) await rmdir(folder);
  }

  /** What is newer than this build comes from another one beside it. */
  async remove(file) {
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < this.began) await unlink(file);
  }
}
