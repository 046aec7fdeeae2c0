// Stands for whatever makes your zip: it has to end as a file, with the handler where `handler:` says.
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { ZipFile } from 'yazl';

const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));

await mkdir(at('build'), { recursive: true });
const zip = new ZipFile();
zip.addFile(at('src/detectLeak.mjs'), 'lib/detectLeak.mjs');
zip.end();
await pipeline(zip.outputStream, createWriteStream(at('build/detectLeak.zip')));
