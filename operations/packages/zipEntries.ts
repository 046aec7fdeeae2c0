import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { PackageEntry } from '../../protocol/functionPackage';

/** Reproducible byte for byte: entries in order, one fixed date, plain modes. */
const FIXED_DATE = new Date(Date.UTC(2020, 0, 1));

export async function zipEntries(entries: readonly PackageEntry[]): Promise<Buffer> {
  const zip = new ZipFile();
  for (const { path, content, executable, link } of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    zip.addBuffer(content, path, {
      mtime: FIXED_DATE,
      mode: link ? 0o120777 : executable ? 0o100755 : 0o100644,
      forceDosTimestamp: true,
    });
  }
  zip.end();
  return buffer(zip.outputStream);
}
