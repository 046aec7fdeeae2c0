import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { root } from '../../support/root';

export type Line = Record<string, unknown> & { is: string };

/** A folder with the client built as the package ships it, in which programs of a device can run. */
export class Workshop {
  readonly directory: string;
  #programs = 0;
  readonly #running = new Set<DeviceProgram>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Workshop> {
    const directory = await mkdtemp(path.join(tmpdir(), 'edge-device-'));
    await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
    for (const [format, name] of [
      ['esm', 'index.mjs'],
      ['cjs', 'index.cjs'],
    ] as const) {
      await build({
        entryPoints: [path.join(root, 'device', 'index.ts')],
        outfile: path.join(directory, name),
        bundle: true,
        platform: 'node',
        target: 'node20.19',
        format,
        mainFields: ['module', 'main'],
        external: ['aws-iot-device-sdk-v2', 'aws-crt'],
        logLevel: 'error',
      });
    }
    return new Workshop(directory);
  }

  /**
   * Runs plain JavaScript in a child process: the SDK's native client must not live in a jest worker.
   * The program knows `EdgeClient`, `EdgeFunction`, `EdgeError`, `options` and `say(is, fields)`.
   */
  async run(body: string, options: unknown, format: 'esm' | 'cjs' = 'esm'): Promise<DeviceProgram> {
    const extension = format === 'esm' ? 'mjs' : 'cjs';
    const file = path.join(this.directory, `program${this.#programs++}.${extension}`);
    await writeFile(file, (format === 'esm' ? ESM : CJS)(body));
    const child = spawn(process.execPath, [file], {
      env: { ...process.env, OPTIONS: JSON.stringify(options) },
    });
    const program = new DeviceProgram(child);
    this.#running.add(program);
    void program.exit.then(() => this.#running.delete(program));
    return program;
  }

  /** Ends what still runs after a failed test. */
  async close(): Promise<void> {
    for (const program of this.#running) program.kill();
    await Promise.all([...this.#running].map((program) => program.exit));
    await rm(this.directory, { recursive: true, force: true });
  }
}

export class DeviceProgram {
  readonly lines: Line[] = [];
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Set<() => void>();
  #stderr = '';
  #over = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      this.#wake();
    });
    this.exit = new Promise((resolve) => {
      child.on('close', (code) => {
        this.#over = true;
        this.#wake();
        resolve(code);
      });
    });
  }

  /** The first line of that kind; throws with the program's errors when it ends without one. */
  async says(is: string): Promise<Line> {
    for (;;) {
      const found = this.lines.find((line) => line.is === is);
      if (found !== undefined) return found;
      if (this.#over)
        throw new Error(`the program ended without "${is}": ${JSON.stringify(this.lines)}\n${this.#stderr}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves when the program has ended by itself; throws unless it ended with 0. */
  async ends(): Promise<Line[]> {
    const code = await this.exit;
    if (code !== 0) throw new Error(`exit code ${code}: ${JSON.stringify(this.lines)}\n${this.#stderr}`);
    return this.lines;
  }

  /** A line for the program, which awaits it with `told(word)`. */
  tell(word: string): void {
    this.#child.stdin.write(`${word}\n`);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

const PRELUDE = `
const options = JSON.parse(process.env.OPTIONS);
const say = (is, fields = {}) => console.log(JSON.stringify({ is, ...fields }));
const failure = (error) => ({ name: error.name, code: error.code, message: error.message, field: error.field,
  details: error.details, isEdgeError: error instanceof EdgeError });
const told = (word) => new Promise((resolve) => {
  process.stdin.on('data', function listen(data) {
    if (!String(data).includes(word)) return;
    process.stdin.off('data', listen).pause().unref();
    resolve();
  }).resume().ref();
});
async function main() {`;
const POSTLUDE = `
}
main().catch((error) => { say('crashed', failure(error)); process.exitCode = 1; });
`;

function ESM(body: string): string {
  return `import { EdgeClient, EdgeFunction, EdgeError } from './index.mjs';${PRELUDE}${body}${POSTLUDE}`;
}

function CJS(body: string): string {
  return `const { EdgeClient, EdgeFunction, EdgeError } = require('./index.cjs');${PRELUDE}${body}${POSTLUDE}`;
}
