import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

const FIXED_DATE = new Date(2020, 0, 1);

/** A zip of text files, with edge.json unless `config` is left out. The same input gives the same bytes. */
export async function functionPackage(files: Record<string, string>, config?: object): Promise<Buffer> {
  const zip = new ZipFile();
  const add = (name: string, text: string) => zip.addBuffer(Buffer.from(text), name, { mtime: FIXED_DATE });
  if (config !== undefined) add('edge.json', JSON.stringify(config));
  for (const [name, text] of Object.entries(files)) add(name, text);
  zip.end();
  return buffer(zip.outputStream);
}
