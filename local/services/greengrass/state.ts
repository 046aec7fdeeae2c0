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
type CoreRecord = z.infer<typeof coreSchema>;

/** Core devices by thing name, kept on disk. Change a record, then `save()`. */
export interface DiscoveryState {
  core: (thingName: string) => CoreRecord | undefined;
  /** Makes a record where there is none. */
  coreOrNew: (thingName: string) => CoreRecord;
  coresOf: (deviceThingName: string) => CoreRecord[];
  save: () => void;
}

export function openDiscoveryState(dir: string): DiscoveryState {
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

const tokensSchema = z.array(
  z.strictObject({ key: z.string(), at: z.number(), answer: z.record(z.string(), z.unknown()) }),
);

type Answer = Record<string, unknown>;

/** Client tokens: a repeated request gets the answer of the one that succeeded. */
export interface RequestTokens {
  once: (operation: string, token: string | undefined, work: () => Answer) => Answer;
}

/** How long answers are kept (API reference, CreateDeployment, clientToken). */
const KEPT_MS = 8 * 3600 * 1000;

export function openRequestTokens(path: string, now: () => number): RequestTokens {
  let kept = readJsonFile(path, tokensSchema) ?? [];
  return {
    once(operation, token, work) {
      if (token === undefined) return work();
      const key = `${operation}/${token}`;
      kept = kept.filter(({ at }) => now() - at < KEPT_MS);
      const earlier = kept.find((one) => one.key === key);
      if (earlier !== undefined) return earlier.answer;
      const answer = work();
      kept.push({ key, at: now(), answer });
      writeJsonFile(path, kept);
      return answer;
    },
  };
}
