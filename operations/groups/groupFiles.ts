import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  deliverySchema,
  devicePatternSchema,
  edgeLogLevelSchema,
  functionNameSchema,
  groupNameSchema,
  parseJsonWith,
  thingNameSchema,
  versionRangeSchema,
} from '../../protocol';

/** `<package dir>/edge/<group>/group.json`, written by the plugin. Limits in MiB, MiB and count. */
export const groupFileSchema = z.strictObject({
  group: groupNameSchema,
  core: thingNameSchema,
  devices: z.array(devicePatternSchema).default([]),
  statics: z
    .array(z.strictObject({ function: functionNameSchema, version: versionRangeSchema.optional() }))
    .default([]),
  limits: z
    .strictObject({
      storage: z.int().positive(),
      memory: z.int().positive(),
      instances: z.int().positive(),
    })
    .optional(),
  /** For engines that offer more than one way to bring functions. */
  engine: z.strictObject({ delivery: deliverySchema, targetArn: z.string().optional() }).optional(),
  logs: z.strictObject({ level: edgeLogLevelSchema }).optional(),
  /** Thing group that the stack made for the group's things. */
  thingGroup: z.string().optional(),
});
export type GroupFile = z.output<typeof groupFileSchema>;

const GROUP_FILE = 'group.json';

export async function readGroupFiles(edgeDir: string): Promise<GroupFile[]> {
  const folders = (await entries(edgeDir)).filter((entry) => entry.isDirectory());
  return Promise.all(
    folders.map(async ({ name }) => {
      const text = await readFile(join(edgeDir, name, GROUP_FILE), 'utf8');
      return parseJsonWith(groupFileSchema, text, `${name}/${GROUP_FILE}`);
    }),
  );
}

/** A function package: its name without suffix, and its content. */
export interface EdgePackage {
  name: string;
  bytes: Buffer;
}

async function entries(dir: string) {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
