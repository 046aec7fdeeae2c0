import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';

/**
 * Replaces `file` so that a power cut at any moment leaves the old or the new content: temporary
 * file, fsync, rename, fsync of the folder (without which the rename itself may be lost).
 */
export async function writeDurably(file: string, content: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(path.dirname(file));
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder for syncing; its rename is journalled by NTFS.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file with one writer; contents that arrive during a write are gathered into the next one. */
export class DurableFile {
  private writing: Promise<void> | undefined;
  private next: { content: string; done: Promise<void> } | undefined;

  constructor(private readonly file: string) {}

  /** Undefined when the file does not exist. */
  async read(): Promise<string | undefined> {
    try {
      return await readFile(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Resolves when this content, or a later one, is on the disk. */
  write(content: string): Promise<void> {
    if (this.writing === undefined) {
      this.writing = this.run(content);
      return this.writing;
    }
    if (this.next === undefined) {
      const next = { content, done: Promise.resolve() };
      const startNext = () => {
        this.next = undefined;
        return (this.writing = this.run(next.content));
      };
      next.done = this.writing.then(startNext, startNext);
      this.next = next;
    } else {
      this.next.content = content;
    }
    return this.next.done;
  }

  private async run(content: string): Promise<void> {
    try {
      await mkdir(path.dirname(this.file), { recursive: true });
      await writeDurably(this.file, content);
    } finally {
      if (this.next === undefined) this.writing = undefined;
    }
  }
}
