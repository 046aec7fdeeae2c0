import { z } from 'zod';
import { systemClock } from '../../../../lib/clock';
import { pause } from '../../../../lib/timeLimit';
import { openJsonFolder } from '../../../base/jsonFile';

const LIFECYCLE_STATES = [
  'NEW',
  'INSTALLED',
  'STARTING',
  'RUNNING',
  'STOPPING',
  'ERRORED',
  'BROKEN',
  'FINISHED',
] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

export const installedSchema = z.strictObject({
  componentName: z.string(),
  componentVersion: z.string(),
  lifecycleState: z.enum(LIFECYCLE_STATES),
  lifecycleStateDetails: z.string().optional(),
  lifecycleStatusCodes: z.array(z.string()).optional(),
  /** Named by a deployment itself, not only by a dependency. */
  isRoot: z.boolean(),
  /** Milliseconds since the epoch. */
  changedAt: z.number(),
});
export type InstalledComponent = z.output<typeof installedSchema>;

const coreSchema = z.strictObject({
  thingName: z.string(),
  coreVersion: z.string(),
  platform: z.string(),
  architecture: z.string(),
  status: z.enum(['HEALTHY', 'UNHEALTHY']),
  reportedAt: z.number(),
  installed: z.array(installedSchema),
  tags: z.record(z.string(), z.string()),
});
export type CoreDeviceRecord = z.output<typeof coreSchema>;

/** Things that run the nucleus, as they last reported. */
export interface CoreDeviceStore {
  find: (thingName: string) => CoreDeviceRecord | undefined;
  all(): CoreDeviceRecord[];
  save(record: CoreDeviceRecord): void;
  remove(thingName: string): void;
  /** Ends the waiting of the core for news. */
  wake(thingName: string): void;
  /** Resolves when there may be something new, at the latest after `ms`. */
  news(thingName: string, ms: number): Promise<void>;
  /** Ends every waiting. */
  close(): void;
}

export function openCoreDeviceStore(dir: string): CoreDeviceStore {
  const folder = openJsonFolder(dir, coreSchema);
  const cores = new Map(folder.readAll().map((core) => [core.thingName, core]));
  const waiting = new Map<string, Set<AbortController>>();
  const wake = (thingName: string): void => {
    for (const waits of waiting.get(thingName) ?? []) waits.abort();
  };
  let closed = false;
  return {
    find: (thingName) => cores.get(thingName),
    all: () => [...cores.values()].sort((a, b) => a.thingName.localeCompare(b.thingName)),
    save(record) {
      cores.set(record.thingName, record);
      folder.write(record.thingName, record);
    },
    remove(thingName) {
      cores.delete(thingName);
      folder.remove(thingName);
    },
    wake,
    async news(thingName, ms) {
      if (closed) return;
      const waits = new AbortController();
      const others = waiting.get(thingName) ?? new Set<AbortController>();
      waiting.set(thingName, others.add(waits));
      await pause(ms, waits.signal, systemClock);
      others.delete(waits);
    },
    close() {
      closed = true;
      for (const thingName of waiting.keys()) wake(thingName);
    },
  };
}
