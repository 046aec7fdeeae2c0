import { DurableFile } from '../../../lib/durableFile';

/** Writes one numbered document after another until it is killed; says so after each. */
const [, , path = '', from = '0'] = process.argv;
const file = new DurableFile(path);

async function writeForEver(): Promise<void> {
  for (let n = Number(from); ; n++) {
    await file.write(JSON.stringify({ n, filler: 'x'.repeat(200_000), end: n }));
    process.send?.(n);
  }
}

void writeForEver();
