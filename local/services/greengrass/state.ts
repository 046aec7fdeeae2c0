import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from '../../base/jsonFile';

const connectivitySchema = z.strictObject({
  Id: z.string(),
  HostAddress: z.string(),
  PortNumber: z.number(),
  Metadata: z.string(),
});

const coreSchema = z.strictObject({
  thingName: z.string(),
  connectivity: z.array(connectivitySchema),
  /** Rises with every update of the connectivity. */
  connectivityVersion: z.number(),
  /** Client devices with the time of their association, in milliseconds since the epoch. */
  devices: z.record(z.string(), z.number()),
});
export type CoreRecord = z.infer<typeof coreSchema>;

/** Core devices by thing name, kept on disk. Change a record, then `save()`. */
export interface GreengrassState {
  core(thingName: string): CoreRecord | undefined;
  /** Makes a record where there is none. */
  coreOrNew(thingName: string): CoreRecord;
  coresOf(deviceThingName: string): CoreRecord[];
  save(): void;
}

export function openGreengrassState(dir: string): GreengrassState {
  const path = join(dir, 'cores.json');
  const kept = readJsonFile(path, z.array(coreSchema)) ?? [];
  const cores = new Map(kept.map((core) => [core.thingName, core]));
  return {
    core: (thingName) => cores.get(thingName),
    coreOrNew(thingName) {
      const core = cores.get(thingName) ?? {
        thingName,
        connectivity: [],
        connectivityVersion: 0,
        devices: {},
      };
      cores.set(thingName, core);
      return core;
    },
    coresOf: (device) => [...cores.values()].filter(({ devices }) => Object.hasOwn(devices, device)),
    save: () => writeJsonFile(path, [...cores.values()]),
  };
}
