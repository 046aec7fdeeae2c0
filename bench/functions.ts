import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** A small function package: returns what it gets. Each name makes other content, so nothing is shared. */
export async function mirrorPackage(name: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(
    Buffer.from(JSON.stringify({ name, handler: 'index.handler', timeout: 30, memory: 64 })),
    'edge.json',
  );
  zip.addBuffer(Buffer.from(`exports.handler = async (event) => event; // ${name}\n`), 'index.js');
  zip.end();
  return buffer(zip.outputStream);
}
