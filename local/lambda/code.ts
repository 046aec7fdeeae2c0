import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgeError } from '../../protocol';
import { readPackage, type PackageEntry } from '../../protocol/functionPackage';
import { AwsError } from '../context';

/** A package that was read and found good; `unpack` puts it into `directory`, once per content. */
export interface FunctionCode {
  /** Base64, as `CodeSha256`. */
  sha256: string;
  /** Bytes of the package. */
  size: number;
  directory: string;
  unpack(): Promise<void>;
}

/**
 * Reads a package; nothing is written yet. `root` is the folder of all packages.
 * Throws AwsError InvalidParameterValueException for what is no safe zip file within the limits.
 */
export async function readCode(root: string, bytes: Buffer): Promise<FunctionCode> {
  const entries = await readPackage(bytes).catch((error: unknown) => {
    const { code, message } = EdgeError.from(error);
    const what =
      code === 'PACKAGE_INVALID'
        ? 'Could not unzip uploaded file. Please check your file, then try to upload again.'
        : message;
    throw new AwsError('InvalidParameterValueException', what);
  });
  const digest = createHash('sha256').update(bytes).digest();
  const directory = path.join(root, digest.toString('hex'));
  let unpacked: Promise<void> | undefined;
  return {
    sha256: digest.toString('base64'),
    size: bytes.length,
    directory,
    // `splice` lets go of the content once it is on disk.
    unpack: () => (unpacked ??= unpackInto(directory, entries.splice(0))),
  };
}

/**
 * Prepares the folder of all packages. The empty package.json ends Node's search for a module type:
 * a `"type": "module"` of some project above must not change how a function's `.js` files load.
 */
export async function prepareCodeRoot(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  await writeFile(path.join(root, 'package.json'), '{}\n');
}

/** By renaming a finished folder, so that a crash leaves no half of one. */
async function unpackInto(directory: string, entries: readonly PackageEntry[]): Promise<void> {
  if (await exists(directory)) return;
  const unfinished = `${directory}.${randomUUID()}.tmp`;
  const folders = new Set(entries.map((entry) => path.dirname(path.join(unfinished, entry.path))));
  await mkdir(unfinished, { recursive: true });
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const { path: relative, content, executable } of entries) {
    await writeFile(path.join(unfinished, relative), content, { mode: executable ? 0o755 : 0o644 });
  }
  try {
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(directory))) throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
