import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgeError } from '../../../protocol';
import { readPackage, type PackageEntry } from '../../../protocol/functionPackage';
import { unpack } from '../../../runtime/packages/unpack';
import { AwsError } from '../../base/context';
import type { CodeProps } from './props';

/** A package that lies unpacked in `directory`, once per content. */
export interface FunctionCode {
  /** Base64, as `CodeSha256`. */
  sha256: string;
  /** Bytes of the package. */
  size: number;
  directory: string;
}

const ROOT_PACKAGE = 'package.json';
const NOT_A_ZIP = 'Could not unzip uploaded file. Please check your file, then try to upload again.';
/** The folder of all packages: each under the SHA-256 of its zip, so that it outlives the process. */
export class CodeFolder {
  readonly #root: string;

  constructor(root: string) {
    this.#root = path.resolve(root);
  }

  /**
   * Unpacks a package unless it lies there already.
   * Throws AwsError InvalidParameterValueException for what is no safe zip file within the limits.
   */
  async add(bytes: Buffer): Promise<FunctionCode> {
    const code = this.note(bytes);
    try {
      await unpackInto(code.directory, await readPackage(bytes));
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      const isInvalid = error.code === 'PACKAGE_INVALID';
      throw new AwsError('InvalidParameterValueException', isInvalid ? NOT_A_ZIP : error.message);
    }
    return code;
  }

  /** A package that nobody unpacks here. */
  note(bytes: Buffer): FunctionCode {
    return this.at(createHash('sha256').update(bytes).digest('base64'), bytes.length);
  }

  /** Where this package lies, or would. */
  at(sha256: string, size: number): FunctionCode {
    const name = Buffer.from(sha256, 'base64').toString('hex');
    return { sha256, size, directory: path.join(this.#root, name) };
  }

  /**
   * Makes the folder and removes what is not in use. The empty package.json ends Node's search for a
   * module type: a `"type": "module"` of some project above must not change how a function's `.js`
   * files load.
   */
  async prepare(used: readonly FunctionCode[]): Promise<void> {
    await mkdir(this.#root, { recursive: true });
    await writeFile(path.join(this.#root, ROOT_PACKAGE), '{}\n');
    const kept = new Set([ROOT_PACKAGE, ...used.map(({ directory }) => path.basename(directory))]);
    const unused = (await readdir(this.#root)).filter((name) => !kept.has(name));
    await Promise.all(
      unused.map((name) => rm(path.join(this.#root, name), { recursive: true, force: true })),
    );
  }
}

/** The package that a request brings or names. Throws AwsError InvalidParameterValueException. */
export async function packageBytes(
  { ZipFile, S3Bucket, S3Key, ImageUri }: CodeProps,
  readObject: (bucket: string, key: string) => Promise<Buffer>,
): Promise<Buffer> {
  if (ZipFile !== undefined) return ZipFile;
  if (ImageUri !== undefined) return Buffer.from(ImageUri);
  if (S3Bucket === undefined || S3Key === undefined) {
    throw new AwsError('InvalidParameterValueException', 'Please provide a source for function code.');
  }
  try {
    return await readObject(S3Bucket, S3Key);
  } catch (error) {
    throw new AwsError(
      'InvalidParameterValueException',
      `Error occurred while GetObject. S3 Error: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** By renaming a finished folder, so that a crash leaves no half of one. */
async function unpackInto(directory: string, entries: readonly PackageEntry[]): Promise<void> {
  if (existsSync(directory)) return;
  const unfinished = `${directory}.${randomUUID()}.tmp`;
  try {
    await unpack(entries, unfinished);
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another one may have unpacked the same meanwhile.
    if (!existsSync(directory)) throw error;
  }
}
