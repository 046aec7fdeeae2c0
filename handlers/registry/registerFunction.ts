import { canonicalJson, EdgeError, type FunctionManifest } from '../../protocol';
import type { Backoff, Clock, Registry } from '../ports';
import { decideVersion, indexAfter, versionConflict, type UploadedVersion } from './decideVersion';

export interface RegisterPorts {
  registry: Registry;
  clock: Clock;
  backoff: Backoff;
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
      // Another writer holds the number but is not in the index (yet, or never: it may have crashed).
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
