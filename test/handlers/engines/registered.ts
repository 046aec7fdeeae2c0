import type { FunctionManifest } from '../../../protocol';
import type { MemoryRegistry } from '../memory/registry';

/** Puts these versions of one function into the registry; the last one is the latest. */
export function register(
  registry: MemoryRegistry,
  ...manifests: [FunctionManifest, ...FunctionManifest[]]
): void {
  const [{ name }] = manifests;
  const registeredAt = '2026-01-02T03:04:05.000Z';
  const versions = Object.fromEntries(
    manifests.map((each) => [each.version, { manifest: each, registeredAt }]),
  );
  const latest = manifests.at(-1)?.version ?? '';
  registry.indexes.set(name, { value: { format: 1, name, latest, versions }, etag: '"1"' });
}
