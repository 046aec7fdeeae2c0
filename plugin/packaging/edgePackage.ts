import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { CONFIG_ENTRY, readPackage, type PackageEntry } from '../../protocol/functionPackage';
import type { FunctionConfigInput } from './functionConfig';

/** Reproducible byte for byte: entries in order, one fixed date, plain modes. */
const FIXED_DATE = new Date(Date.UTC(2020, 0, 1));

/** Writes `artifact` together with `edge.json` as a function package. Throws PACKAGE_*. */
export async function writeEdgePackage(
  artifact: string,
  config: FunctionConfigInput,
  target: string,
): Promise<void> {
  const entries = await readPackage(await readFile(artifact));
  const files = [...entries.filter(({ path: name }) => name !== CONFIG_ENTRY), configEntry(config)];
  await mkdir(path.dirname(target), { recursive: true });
  const temporary = `${target}.tmp`;
  await pipeline(zipOf(files), createWriteStream(temporary));
  await rename(temporary, target);
}

function configEntry(config: FunctionConfigInput): PackageEntry {
  return {
    path: CONFIG_ENTRY,
    content: Buffer.from(`${JSON.stringify(config, null, 2)}\n`),
    executable: false,
  };
}

function zipOf(files: PackageEntry[]): NodeJS.ReadableStream {
  const zip = new ZipFile();
  for (const { path: name, content, executable } of files.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    zip.addBuffer(content, name, {
      mtime: FIXED_DATE,
      mode: executable ? 0o100755 : 0o100644,
      forceDosTimestamp: true,
    });
  }
  zip.end();
  return zip.outputStream;
}
