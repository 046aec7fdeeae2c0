import { z } from 'zod';
import {
  functionNameSchema,
  groupDeviceSchema,
  thingNameSchema,
  versionRangeSchema,
} from '../../../protocol';
import { groupOptionsOfEngines } from './engine';
import { listOf } from './functions';

const preloadSchema = z.union(
  [
    functionNameSchema.transform((name): Preload => ({ function: name })),
    z
      .strictObject({
        function: functionNameSchema.describe('An entry of edge.functions.'),
        version: versionRangeSchema.optional().describe('Version or semver range; left out, the latest.'),
      })
      .transform(({ function: name, version }): Preload => ({ function: name, ...(version && { version }) })),
  ],
  { error: 'expected the name of a function, or { function: …, version: … }' },
);

/** A function that is on the edge before any device asks. */
export interface Preload {
  function: string;
  version?: string;
}

const positive = z.int().min(1);

export const groupSchema = z.strictObject({
  core: thingNameSchema
    .optional()
    .describe('Thing name of the edge core. Default: "<service>-<stage>-<group>-core".'),
  devices: listOf(z.array(groupDeviceSchema))
    .default([])
    .describe(
      'Devices of the group: thing names, in which "*" and "?" are wildcards. A pattern stands for the things ' +
        'that exist when the service is deployed.',
    ),
  functions: listOf(z.array(preloadSchema))
    .default([])
    .describe('Functions that are on the edge before any request: names, or { function, version }.'),
  limits: z
    .strictObject({
      storage: positive.default(1024).describe('Packages on the edge, in MiB.'),
      memory: positive.default(1024).describe('All running instances together, in MiB.'),
      instances: positive.default(64).describe('Running instances.'),
    })
    .prefault({})
    .describe('What the functions of the group may take on the edge.'),
  ...groupOptionsOfEngines,
  things: z
    .boolean()
    .default(false)
    .describe(
      'Whether the stack makes IoT things for the core and the devices that are named in full, and a thing ' +
        'group for them. Only one stack of an account can make a thing. Otherwise they are made when the service ' +
        'is deployed, or are there already.',
    ),
});
