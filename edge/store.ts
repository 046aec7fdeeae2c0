import type { z } from 'zod';
import { parseJsonWith } from '../protocol';
import { DurableFile } from '../lib/durableFile';

/** One thing that a core keeps over restarts. */
export interface Store<T> {
  /** Undefined when nothing was stored yet. Throws when what was stored cannot be read. */
  load: () => Promise<T | undefined>;
  save: (value: T) => Promise<void>;
}

/** As JSON in a file of its own. */
export function fileStore<S extends z.ZodType>(file: string, schema: S): Store<z.output<S>> {
  const durable = new DurableFile(file);
  return {
    async load() {
      const text = await durable.read();
      return text === undefined ? undefined : parseJsonWith(schema, text, file, 'INTERNAL');
    },
    save: (value) => durable.write(JSON.stringify(value)),
  };
}
