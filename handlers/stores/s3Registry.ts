import {
  canonicalJson,
  functionIndexSchema,
  functionManifestSchema,
  keys,
  parseJsonWith,
  type FunctionIndex,
  type FunctionManifest,
} from '../../protocol';
import type { S3Documents } from './s3Documents';
import type { Registry, Versioned } from '../ports';

/** The function registry in the state bucket. A document of the wrong form is INTERNAL. */
export class S3Registry implements Registry {
  constructor(private readonly documents: S3Documents) {}

  async index(name: string): Promise<Versioned<FunctionIndex> | undefined> {
    const key = keys.functionIndex(name);
    const found = await this.documents.get(key);
    if (found === undefined) return undefined;
    return { value: parseJsonWith(functionIndexSchema, found.text, key, 'INTERNAL'), etag: found.etag };
  }

  async putIndex(index: FunctionIndex, etag: string | undefined): Promise<boolean> {
    const condition = etag === undefined ? { ifAbsent: true as const } : { ifMatch: etag };
    return this.documents.put(keys.functionIndex(index.name), JSON.stringify(index), condition);
  }

  async putVersion(manifest: FunctionManifest): Promise<FunctionManifest> {
    const key = keys.functionVersion(manifest.name, manifest.version);
    if (await this.documents.put(key, canonicalJson(manifest), { ifAbsent: true })) return manifest;
    const stored = await this.documents.get(key);
    if (stored === undefined) throw new Error(`${key} was there a moment ago`);
    return parseJsonWith(functionManifestSchema, stored.text, key, 'INTERNAL');
  }
}
