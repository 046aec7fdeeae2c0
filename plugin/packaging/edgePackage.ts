import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { zipEntries } from '../../operations/packages/zipEntries';
import { EdgeError } from '../../protocol';
import {
  CONFIG_ENTRY,
  handlerModuleCandidates,
  packageDigest,
  readPackage,
  type PackageEntry,
} from '../../protocol/functionPackage';
import type { FunctionConfigInput } from './functionConfig';
import { requireNoStreaming } from './streaming';

export interface WrittenPackage {
  /** SHA-256 in lower-case hex. */
  digest: string;
  /** Bytes. */
  size: number;
}

/** What the framework or the user put into an artifact. Throws PACKAGE_*. */
export async function readArtifact(artifact: string): Promise<PackageEntry[]> {
  return readPackage(await readFile(artifact));
}

/**
 * Writes the files of an artifact together with `edge.json` as a function package. Throws
 * HANDLER_NOT_FOUND when the handler's module is not among them, UNSUPPORTED when it streams.
 */
export async function writeEdgePackage(
  entries: readonly PackageEntry[],
  config: FunctionConfigInput,
  target: string,
): Promise<WrittenPackage> {
  if (config.cloudFunction === undefined || config.locations?.includes('edge')) {
    requireHandler(entries, config.handler ?? 'index.handler');
  }
  if ((config.locations ?? ['edge']).includes('edge')) {
    requireNoStreaming(entries, config.handler ?? 'index.handler');
  }
  const files = [...entries.filter(({ path: name }) => name !== CONFIG_ENTRY), configEntry(config)];
  const bytes = await zipEntries(files);
  await mkdir(path.dirname(target), { recursive: true });
  const temporary = `${target}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, target);
  return { digest: packageDigest(bytes), size: bytes.length };
}

function requireHandler(entries: readonly PackageEntry[], handler: string): void {
  const candidates = handlerModuleCandidates(handler);
  if (entries.some(({ path: name }) => candidates.includes(name))) return;
  const source = handlerSources(handler).find((name) => entries.some((entry) => entry.path === name));
  const why =
    source === undefined ? '' : ` but ${source}, which a bundler such as serverless-esbuild must compile`;
  throw new EdgeError('HANDLER_NOT_FOUND', `the package has none of ${candidates.join(', ')}${why}`, {
    field: 'handler',
    expected: candidates.join(' or '),
  });
}

function handlerSources(handler: string): string[] {
  return handlerModuleCandidates(handler).map((name) => name.replace(/js$/, 'ts'));
}

function configEntry(config: FunctionConfigInput): PackageEntry {
  return {
    path: CONFIG_ENTRY,
    content: Buffer.from(`${JSON.stringify(config, null, 2)}\n`),
    executable: false,
  };
}
