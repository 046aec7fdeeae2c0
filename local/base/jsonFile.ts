import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { z } from 'zod';

/**
 * Small state kept as JSON. Writing is synchronous, so that what was answered was also kept, and a
 * rename makes it the old or the new content, never half of it.
 */
export function writeJsonFile(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(value), { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Undefined when there is no such file. Throws an error that names the file when it has another form. */
export function readJsonFile<S extends z.ZodType>(path: string, schema: S): z.output<S> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path}: not what this version keeps there; remove it to start anew`, { cause: error });
  }
}

/** Records of one kind, one JSON file each. */
export interface JsonFolder<T> {
  /** Throws as `readJsonFile`. */
  readAll(): T[];
  write(name: string, record: T): void;
  remove(name: string): void;
}

/** Makes the folder where there is none. */
export function openJsonFolder<S extends z.ZodType>(dir: string, schema: S): JsonFolder<z.output<S>> {
  mkdirSync(dir, { recursive: true });
  // A name may have slashes, be longer than a file name, or differ from another in case alone.
  const pathOf = (name: string): string =>
    join(dir, `${createHash('sha256').update(name).digest('hex')}.json`);
  return {
    readAll: () =>
      readdirSync(dir)
        .filter((file) => file.endsWith('.json'))
        .flatMap((file) => readJsonFile(join(dir, file), schema) ?? []),
    write: (name, record) => writeJsonFile(pathOf(name), record),
    remove: (name) => rmSync(pathOf(name), { force: true }),
  };
}
