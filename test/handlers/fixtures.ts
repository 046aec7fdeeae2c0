import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import {
  emptyDefinition,
  functionManifestSchema,
  type FunctionManifest,
  type GroupDefinition,
  type StoredUpdate,
} from '../../protocol';

export const CORE = 'core-1';
export const CORE_CERTIFICATE = 'c'.repeat(64);
export const CALLER = { certificateId: CORE_CERTIFICATE };

/** A certificate id that stands for `name`. */
export function certificateOf(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64);
}

export function manifestOf(name: string, version: string, more: object = {}): FunctionManifest {
  const digest = Buffer.from(`${name}@${version}`).toString('hex').padEnd(64, '0').slice(0, 64);
  const base = { name, version, handler: 'index.handler', digest, size: 10, unpackedSize: 20 };
  return functionManifestSchema.parse({ ...base, ...more });
}

/** Group "plant" with its core and the devices camera-1 and camera-2 (revoked). */
export function plant(more: Partial<GroupDefinition> = {}): GroupDefinition {
  return {
    ...emptyDefinition('plant'),
    revision: 1,
    core: { thingName: CORE, certificateId: CORE_CERTIFICATE, seq: 1 },
    devices: {
      'camera-1': { certificateId: certificateOf('camera-1'), source: 'operator', seq: 1 },
      'camera-2': { certificateId: certificateOf('camera-2'), source: 'operator', seq: 1, revoked: true },
    },
    ...more,
  };
}

export function storedUpdate(requestId: string, more: Partial<StoredUpdate> = {}): StoredUpdate {
  return {
    requestId,
    group: 'plant',
    origin: { kind: 'core', name: CORE },
    receivedAt: '2026-01-02T03:04:05.000Z',
    devices: {},
    statics: {},
    entitlements: {},
    claims: {},
    functions: {},
    ...more,
  };
}

/** A zip of these files, always the same bytes for the same files. */
export async function zipOf(files: Record<string, string | Buffer>): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [path, content] of Object.entries(files)) {
    archive.addBuffer(Buffer.from(content), path, { mtime: new Date(0), forceDosTimestamp: true });
  }
  archive.end();
  return buffer(archive.outputStream);
}

/** A function package with one module; `edge.json` gets the defaults of a small function. */
export async function packageOf(config: object, source = 'exports.handler = (e) => e;'): Promise<Buffer> {
  const edge = JSON.stringify({ name: 'detect', handler: 'index.handler', ...config });
  return zipOf({ 'edge.json': edge, 'index.js': source });
}
