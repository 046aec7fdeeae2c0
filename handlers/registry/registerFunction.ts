import { canonicalJson, EdgeError, type FunctionManifest } from '../../protocol';
import type { RetryPause, WallClock, CloudPublisher, Registry } from '../ports';
import { decideVersion, indexAfter, versionConflict, type UploadedVersion } from './decideVersion';

export interface RegisterPorts {
  registry: Registry;
  clock: WallClock;
  backoff: RetryPause;
}

export interface Registered {
  manifest: FunctionManifest;
  /** False when the content was the latest already. */
  changed: boolean;
}

const MAX_TRIES = 20;

/**
 * Registers an upload: the immutable version object first, then the index with compare-and-swap; a
 * lost race decides again on what the winner wrote. `build` makes the manifest of a new version.
 * Throws VERSION_CONFLICT, and CONFLICT after too many lost races.
 */
export async function registerFunction(
  name: string,
  upload: UploadedVersion,
  build: (version: string) => Promise<FunctionManifest>,
  { registry, clock, backoff }: RegisterPorts,
): Promise<Registered> {
  const taken = new Set<string>();
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const found = await registry.index(name);
    const index = found?.value;
    const decision = decideVersion(index, upload, taken);
    const manifest = decision.known ?? (await registry.putVersion(await build(decision.version)));
    if (manifest.digest !== upload.digest) {
      // Another writer holds the number and is not in the index, either not yet or because it crashed.
      if (upload.version !== undefined) throw versionConflict(upload.version);
      taken.add(decision.version);
      continue;
    }
    const next = indexAfter(index, decision, {
      manifest,
      uploadedAt: upload.uploadedAt,
      registeredAt: new Date(clock.now()).toISOString(),
    });
    const changed = index?.latest !== next.latest || decision.known === undefined;
    if (index !== undefined && canonicalJson(index) === canonicalJson(next)) return { manifest, changed };
    if (await registry.putIndex(next, found?.etag)) return { manifest, changed };
    await backoff(tries);
  }
  throw new EdgeError('CONFLICT', `${name}: the index was written by others ${MAX_TRIES} times in a row`);
}

const MAX_PROMOTIONS = 5;

/**
 * Points the alias of the function's Lambda at the latest version. Reads the index again afterwards:
 * whoever moved the latest in between may have moved the alias before us.
 */
export async function promoteLatest(
  name: string,
  { registry, cloud }: { registry: Registry; cloud: CloudPublisher },
): Promise<void> {
  let promoted: string | undefined;
  for (let tries = 0; tries < MAX_PROMOTIONS; tries++) {
    const index = (await registry.index(name))?.value;
    const latest = index?.versions[index.latest]?.manifest;
    if (latest === undefined || latest.version === promoted || latest.cloud === undefined) return;
    await cloud.promote(name, latest.cloud);
    promoted = latest.version;
  }
}
