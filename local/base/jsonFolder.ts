import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { readJsonFile, writeJsonFile } from './jsonFile';

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
