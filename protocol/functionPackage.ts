import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { crc32 } from 'node:zlib';
import { fromBufferPromise, getFileNameLowLevel, type Entry, type ZipFile } from 'yauzl';
import { EdgeError } from './errors';
import { splitHandler } from './handler';
import { MAX_CONFIG_BYTES, MAX_PACKAGE_BYTES, MAX_PACKAGE_ENTRIES, MAX_UNPACKED_BYTES } from './limits';
import { functionConfigSchema, type FunctionConfig } from './manifest';
import { functionNameSchema } from './names';
import { parseJsonWith } from './parse';

/**
 * A function package: a zip with `edge.json` at its top level. Reading refuses what is unsafe: names and
 * links that leave the folder, more entries or bytes than the limits — both as declared and as they
 * really come out (a zip bomb lies about its sizes).
 */
export const CONFIG_ENTRY = 'edge.json';

export interface PackageEntry {
  /** Relative path with forward slashes. */
  path: string;
  content: Buffer;
  executable: boolean;
  /** A symbolic link: `content` is its target, a relative path that stays inside the package. */
  link?: true;
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
    let count = 0;
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      if (count >= limits.entries) throw tooLarge('entries', limits.entries);
      count += 1;
      total += entry.uncompressedSize;
      requireSize(total, limits.unpackedBytes, 'unpacked package');
      const path = pathOf(entry);
      if (path === undefined) continue;
      if (names.has(path)) throw invalid(`two entries are named "${path}"`);
      names.add(path);
      const content = await readEntry(zip, entry, path);
      entries.push({ path, content, executable: isExecutable(entry), ...(isLink(entry) && { link: true }) });
    }
    requireSafeLinks(entries);
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
  const what = whereConfigured(entry.content);
  return parseJsonWith(functionConfigSchema, entry.content, what, 'CONFIG_INVALID');
}

/** Who uses the plugin never wrote an edge.json, but the entry of which the plugin made it. */
function whereConfigured(content: Buffer): string {
  try {
    const { name } = JSON.parse(content.toString('utf8')) as { name?: unknown };
    return `edge.functions.${functionNameSchema.parse(name)}`;
  } catch {
    return CONFIG_ENTRY;
  }
}

/** Lambda's lookup of a handler's module: `index.handler` is in one of these files. */
export function handlerModuleCandidates(handler: string): string[] {
  return ['.js', '.mjs', '.cjs'].map((extension) => splitHandler(handler).module + extension);
}

async function openZip(bytes: Buffer): Promise<ZipFile> {
  try {
    // Names are checked here, where the entry is known of which a refusal speaks.
    return await fromBufferPromise(bytes, { lazyEntries: true, decodeStrings: false });
  } catch (error) {
    throw asPackageError(error);
  }
}

/** The stream is ended as soon as it yields more than the entry declares. */
async function readEntry(zip: ZipFile, entry: Entry, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    length += (chunk as Buffer).length;
    if (length > entry.uncompressedSize) throw tooLarge(path, entry.uncompressedSize);
    chunks.push(chunk as Buffer);
  }
  const content = Buffer.concat(chunks, length);
  if (crc32(content) !== entry.crc32) throw invalid(`entry "${path}" does not have its checksum`);
  return content;
}

const SYMBOLIC_LINK = 0o120000;
const FILE_TYPE_MASK = 0o170000;

/**
 * Its path, without the "./" that some zip tools write and with "/" where those of Windows write "\"; undefined
 * for a folder. Throws PACKAGE_UNSAFE.
 */
function pathOf({ generalPurposeBitFlag, fileNameRaw, extraFields }: Entry): string | undefined {
  const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
  const path = name.replaceAll('\\', '/');
  const expected = 'expected a path inside the package';
  if (name.includes('\0')) throw unsafe(name, 'its name has a NUL character');
  if (path.startsWith('/')) throw unsafe(name, `its name begins with "/", ${expected}`);
  if (/^[a-zA-Z]:/.test(path)) throw unsafe(name, `its name begins like a drive of Windows, ${expected}`);
  if (path.split('/').includes('..')) throw unsafe(name, `its name has "..", ${expected}`);
  return path.endsWith('/') ? undefined : posix.normalize(path);
}

/**
 * A link may lead to whatever is in the package. Its target climbs first and descends then, so that where
 * it leads does not depend on other links, and nothing lies below a link.
 */
function requireSafeLinks(entries: readonly PackageEntry[]): void {
  const links = new Set(entries.filter(({ link }) => link).map(({ path }) => path));
  if (links.size === 0) return;
  for (const { path, content, link } of entries) {
    const through = ancestorsOf(path).find((folder) => links.has(folder));
    if (through !== undefined) throw unsafe(path, `it lies below "${through}", which is a link`);
    if (link && !staysInside(path, content.toString('utf8'))) {
      throw unsafe(path, 'it is a link that leads out of the package, or not straight to its target');
    }
  }
}

function ancestorsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_part, at) => parts.slice(0, at + 1).join('/'));
}

function staysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || /[\\\0]/.test(target)) return false;
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const down = steps.findIndex((step) => step !== '..');
  const climbs = down < 0 ? steps.length : down;
  return climbs <= ancestorsOf(path).length && !steps.slice(climbs).includes('..');
}

function isLink(entry: Entry): boolean {
  return (unixMode(entry) & FILE_TYPE_MASK) === SYMBOLIC_LINK;
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

function unsafe(entry: string, why: string): EdgeError {
  return new EdgeError('PACKAGE_UNSAFE', `entry "${entry}" of the package: ${why}`, { field: entry });
}

/** yauzl reports by message alone: a lie about a size becomes PACKAGE_TOO_LARGE. */
function asPackageError(error: unknown): EdgeError {
  if (error instanceof EdgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('too many bytes in the stream')) {
    return new EdgeError('PACKAGE_TOO_LARGE', message, { cause: error });
  }
  return new EdgeError('PACKAGE_INVALID', `not a readable zip file: ${message}`, { cause: error });
}
