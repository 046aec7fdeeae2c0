import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl';
import { EdgeError } from './errors';
import { MAX_CONFIG_BYTES, MAX_PACKAGE_BYTES, MAX_PACKAGE_ENTRIES, MAX_UNPACKED_BYTES } from './limits';
import { functionConfigSchema, type FunctionConfig } from './manifest';
import { parseJsonWith } from './parse';

/**
 * A function package: a zip with `edge.json` at its top level. Reading refuses what is unsafe: entry
 * names that leave the folder, links, more entries or bytes than the limits — both as declared and as
 * they really come out (a zip bomb lies about its sizes).
 */
export const CONFIG_ENTRY = 'edge.json';

export interface PackageEntry {
  /** Relative path with forward slashes. */
  path: string;
  content: Buffer;
  executable: boolean;
}

export interface PackageLimits {
  packageBytes: number;
  unpackedBytes: number;
  entries: number;
}

export const DEFAULT_PACKAGE_LIMITS: PackageLimits = {
  packageBytes: MAX_PACKAGE_BYTES,
  unpackedBytes: MAX_UNPACKED_BYTES,
  entries: MAX_PACKAGE_ENTRIES,
};

export function packageDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Every file of the package. Throws PACKAGE_INVALID, PACKAGE_UNSAFE or PACKAGE_TOO_LARGE.
 */
export async function readPackage(bytes: Buffer, limits = DEFAULT_PACKAGE_LIMITS): Promise<PackageEntry[]> {
  requireSize(bytes.length, limits.packageBytes, 'package');
  const zip = await openZip(bytes);
  try {
    const entries: PackageEntry[] = [];
    const names = new Set<string>();
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      if (entries.length >= limits.entries) throw tooLarge('entries', limits.entries);
      requireSafeEntry(entry);
      if (names.has(entry.fileName)) throw invalid(`two entries are named "${entry.fileName}"`);
      names.add(entry.fileName);
      total += entry.uncompressedSize;
      requireSize(total, limits.unpackedBytes, 'unpacked package');
      if (entry.fileName.endsWith('/')) continue;
      const content = await readEntry(zip, entry);
      entries.push({ path: entry.fileName, content, executable: isExecutable(entry) });
    }
    return entries;
  } catch (error) {
    throw asPackageError(error);
  } finally {
    zip.close();
  }
}

/** `edge.json` of a package that was read. Throws CONFIG_MISSING or CONFIG_INVALID. */
export function configOf(entries: readonly PackageEntry[]): FunctionConfig {
  const entry = entries.find(({ path }) => path === CONFIG_ENTRY);
  if (entry === undefined) throw new EdgeError('CONFIG_MISSING');
  if (entry.content.length > MAX_CONFIG_BYTES) {
    throw new EdgeError('CONFIG_INVALID', `${CONFIG_ENTRY} is larger than ${MAX_CONFIG_BYTES} bytes`);
  }
  return parseJsonWith(functionConfigSchema, entry.content, CONFIG_ENTRY, 'CONFIG_INVALID');
}

/** Lambda's lookup of a handler's module: `index.handler` is in one of these files. */
export function handlerModuleCandidates(handler: string): string[] {
  const module = handler.slice(0, handler.lastIndexOf('.'));
  return ['.js', '.mjs', '.cjs'].map((extension) => module + extension);
}

async function openZip(bytes: Buffer): Promise<ZipFile> {
  try {
    return await fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true });
  } catch (error) {
    throw asPackageError(error);
  }
}

/** The stream is ended as soon as it yields more than the entry declares. */
async function readEntry(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    length += (chunk as Buffer).length;
    if (length > entry.uncompressedSize) throw tooLarge(entry.fileName, entry.uncompressedSize);
    chunks.push(chunk as Buffer);
  }
  const content = Buffer.concat(chunks, length);
  if (crc32(content) !== entry.crc32) throw invalid(`entry "${entry.fileName}" does not have its checksum`);
  return content;
}

const SYMBOLIC_LINK = 0o120000;
const FILE_TYPE_MASK = 0o170000;

function requireSafeEntry(entry: Entry): void {
  const type = unixMode(entry) & FILE_TYPE_MASK;
  const unsafeName = entry.fileName.includes('\\') || /[:\0]/.test(entry.fileName);
  if (type === SYMBOLIC_LINK || unsafeName) throw unsafe(entry.fileName);
}

function unixMode(entry: Entry): number {
  return entry.externalFileAttributes >>> 16;
}

function isExecutable(entry: Entry): boolean {
  return (unixMode(entry) & 0o100) !== 0;
}

function requireSize(actual: number, limit: number, what: string): void {
  if (actual > limit) throw tooLarge(what, limit);
}

function tooLarge(what: string, limit: number): EdgeError {
  return new EdgeError('PACKAGE_TOO_LARGE', `${what}: over the limit of ${limit}`, {
    field: what,
    expected: `at most ${limit}`,
  });
}

function invalid(reason: string): EdgeError {
  return new EdgeError('PACKAGE_INVALID', `not a readable zip file: ${reason}`);
}

function unsafe(entry: string): EdgeError {
  return new EdgeError('PACKAGE_UNSAFE', `entry "${entry}" leaves the folder of the package or is a link`, {
    field: entry,
  });
}

/** yauzl reports by message alone: its refusals of names become PACKAGE_UNSAFE, a size lie PACKAGE_TOO_LARGE. */
function asPackageError(error: unknown): EdgeError {
  if (error instanceof EdgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const badName = /^(absolute path|invalid relative path|invalid characters in fileName): (.*)$/s.exec(
    message,
  );
  if (badName) return unsafe(badName[2] ?? '');
  if (message.startsWith('too many bytes in the stream')) {
    return new EdgeError('PACKAGE_TOO_LARGE', message, { cause: error });
  }
  return new EdgeError('PACKAGE_INVALID', `not a readable zip file: ${message}`, { cause: error });
}
