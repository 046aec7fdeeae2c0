import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from './jsonFile';

const retainedSchema = z.strictObject({
  topic: z.string(),
  /** base64 */
  payload: z.string(),
  qos: z.union([z.literal(0), z.literal(1)]),
  /** Milliseconds since the epoch. */
  lastModifiedTime: z.number(),
});
export type RetainedMessage = z.infer<typeof retainedSchema>;

/** Retained messages by topic, one file each, so that they outlive the process. */
export interface RetainedMessages {
  get(topic: string): RetainedMessage | undefined;
  list(): RetainedMessage[];
  /** An empty payload removes it, as in MQTT. */
  put(topic: string, payload: Buffer, qos: 0 | 1): void;
}

export function openRetainedMessages(dir: string): RetainedMessages {
  mkdirSync(dir, { recursive: true });
  const messages = new Map<string, RetainedMessage>();
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.json'))) {
    const message = readJsonFile(join(dir, file), retainedSchema);
    if (message !== undefined) messages.set(message.topic, message);
  }
  // A topic has slashes and may be longer than a file name.
  const pathOf = (topic: string): string =>
    join(dir, `${createHash('sha256').update(topic).digest('hex')}.json`);

  return {
    get: (topic) => messages.get(topic),
    list: () => [...messages.values()],
    put(topic, payload, qos) {
      if (payload.length === 0) {
        messages.delete(topic);
        rmSync(pathOf(topic), { force: true });
        return;
      }
      const message = { topic, payload: payload.toString('base64'), qos, lastModifiedTime: Date.now() };
      messages.set(topic, message);
      writeJsonFile(pathOf(topic), message);
    },
  };
}
