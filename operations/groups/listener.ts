import { z } from 'zod';
import { parseJsonWith } from '../../protocol';
import type { OperatorAccess } from './changeGroup';
import { readText, removeObject, writeText } from '../objects';

/**
 * Where the edge of a group listens and whom its devices must trust: `groups/<group>/listener.json` in
 * the state bucket. Written by `sls edge core init`, so that `sls edge device add` can run elsewhere.
 */
const listenerSchema = z.strictObject({
  format: z.literal(1),
  /** Names and addresses in the edge's server certificate; devices are given the first. */
  hosts: z.array(z.string()).min(1),
  port: z.int().min(1).max(65_535),
  /** PEM of the authority that signed the edge's server certificate. */
  ca: z.string(),
});
export type Listener = z.infer<typeof listenerSchema>;

function keyOf(group: string): string {
  return `groups/${group}/listener.json`;
}

export async function readListener(
  { operator, outputs }: OperatorAccess,
  group: string,
): Promise<Listener | undefined> {
  const key = keyOf(group);
  const text = await readText(operator.clients.s3, outputs.stateBucket, key);
  return text === undefined ? undefined : parseJsonWith(listenerSchema, text, key);
}

export function writeListener(
  { operator, outputs }: OperatorAccess,
  group: string,
  listener: Listener,
): Promise<void> {
  return writeText(operator.clients.s3, outputs.stateBucket, keyOf(group), JSON.stringify(listener));
}

/** Devices that are added from now on find the edge by discovery. */
export function removeListener({ operator, outputs }: OperatorAccess, group: string): Promise<void> {
  return removeObject(operator.clients.s3, outputs.stateBucket, keyOf(group));
}
