import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { watch } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where functions wait until a test lets them go on, so that it can act at exactly that moment. */
export class Gate {
  private constructor(private readonly dir: string) {}

  static async make(): Promise<Gate> {
    const gate = new Gate(await mkdtemp(path.join(tmpdir(), 'edge-gate-')));
    await writeFile(gate.file('arrivals'), '');
    return gate;
  }

  /** Statements for the source of a function: they note the arrival and wait, without ever yielding. */
  get wait(): string {
    const [arrivals, open] = [this.file('arrivals'), this.file('open')].map((file) => JSON.stringify(file));
    return `{
      const fs = require('node:fs');
      fs.appendFileSync(${arrivals}, process.pid + '\\n');
      const cell = new Int32Array(new SharedArrayBuffer(4));
      while (!fs.existsSync(${open})) Atomics.wait(cell, 0, 0, 5);
    }`;
  }

  /** Resolves when so many processes in all have arrived. */
  async arrivals(count: number): Promise<void> {
    const arrived = async () => (await readFile(this.file('arrivals'), 'utf8')).split('\n').length - 1;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        arrived().then((now) => {
          if (now < count) return;
          watcher.close();
          resolve();
        }, reject);
      };
      const watcher = watch(this.file('arrivals'), look);
      look();
    });
  }

  open(): Promise<void> {
    return appendFile(this.file('open'), '');
  }

  remove(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }

  private file(name: string): string {
    return path.join(this.dir, name);
  }
}
