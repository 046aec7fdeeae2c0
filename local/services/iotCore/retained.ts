import { z } from 'zod';
import { openJsonFolder } from '../../base/jsonFile';

const retainedSchema = z.strictObject({
  topic: z.string(),
  /** base64 */
  payload: z.string(),
  qos: z.union([z.literal(0), z.literal(1)]),
  /** Milliseconds since the epoch. */
  lastModifiedTime: z.number(),
});
type RetainedMessage = z.infer<typeof retainedSchema>;

/** Retained messages by topic, one file each, so that they outlive the process. */
export interface RetainedMessages {
  get(topic: string): RetainedMessage | undefined;
  list(): RetainedMessage[];
  /** An empty payload removes it, as in MQTT. */
  put(topic: string, payload: Buffer, qos: 0 | 1): void;
}

export function openRetainedMessages(dir: string): RetainedMessages {
  const folder = openJsonFolder(dir, retainedSchema);
  const messages = new Map(folder.readAll().map((message) => [message.topic, message]));

  return {
    get: (topic) => messages.get(topic),
    list: () => [...messages.values()],
    put(topic, payload, qos) {
      if (payload.length === 0) {
        messages.delete(topic);
        folder.remove(topic);
        return;
      }
      const message = { topic, payload: payload.toString('base64'), qos, lastModifiedTime: Date.now() };
      messages.set(topic, message);
      folder.write(topic, message);
    },
  };
}
