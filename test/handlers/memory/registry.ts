import { canonicalJson, functionIndexSchema, functionKey, functionManifestSchema } from '../../../protocol';
import type { FunctionIndex, FunctionManifest } from '../../../protocol';
import type { Registry, Versioned } from '../../../handlers/ports';
import { openGate, through, type Gate } from './gate';

export class MemoryRegistry implements Registry {
  readonly indexes = new Map<string, Versioned<FunctionIndex>>();
  readonly versions = new Map<string, FunctionManifest>();
  private writes = 0;

  constructor(private readonly gate: Gate = openGate) {}

  async index(name: string): Promise<Versioned<FunctionIndex> | undefined> {
    return through(this.gate, `index ${name}`, () => structuredClone(this.indexes.get(name)));
  }

  async putIndex(index: FunctionIndex, etag: string | undefined): Promise<boolean> {
    return through(this.gate, `putIndex ${index.name}`, () => {
      if (this.indexes.get(index.name)?.etag !== etag) return false;
      this.indexes.set(index.name, { value: functionIndexSchema.parse(index), etag: `"${++this.writes}"` });
      return true;
    });
  }

  async putVersion(manifest: FunctionManifest): Promise<FunctionManifest> {
    return through(this.gate, `putVersion ${manifest.version}`, () => {
      const key = functionKey(manifest.name, manifest.version);
      const stored = this.versions.get(key) ?? functionManifestSchema.parse(manifest);
      this.versions.set(key, stored);
      return stored;
    });
  }

  /** What must hold at any moment: the index never says anything else than the version objects. */
  inconsistencies(): string[] {
    return [...this.indexes.values()].flatMap(({ value }) =>
      Object.entries(value.versions)
        .filter(
          ([version, { manifest }]) =>
            canonicalJson(this.versions.get(functionKey(value.name, version))) !== canonicalJson(manifest),
        )
        .map(([version]) => version),
    );
  }

  latest(name: string): FunctionManifest | undefined {
    const index = this.indexes.get(name)?.value;
    return index?.versions[index.latest]?.manifest;
  }
}
