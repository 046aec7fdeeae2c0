import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PARENT_VARIABLE } from '../../lib/endWithParent';
import { tryParseJson } from '../../lib/json';
import { EdgeError } from '../../protocol';
import { projectRoot } from './folders';
import { forgetChild, registerChild } from './interruption';

/** A JSON line of a child's stdout that has an `event` field. */
export interface ProcessEvent {
  event: string;
  [field: string]: unknown;
}

export interface ProcessOptions {
  /** For messages: `edge core`. */
  name: string;
  script: string;
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** It stops by itself when this process is gone, also when that was killed. */
  endsWithParent?: boolean;
  onEvent?: ((event: ProcessEvent) => void) | undefined;
  /** Every line of stdout, as text. */
  onLine?: ((line: string) => void) | undefined;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

interface WaitOptions {
  /** 30,000 unless told. */
  timeoutMs?: number;
  where?: (event: ProcessEvent) => boolean;
  /** Only events from now on; otherwise one that came already counts. */
  fresh?: boolean;
}

export interface NodeProcess {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly events: readonly ProcessEvent[];
  /** Throws EdgeError CLOSED (with the last lines of stderr) when the process ends first, TIMED_OUT. */
  waitFor: (event: string, options?: WaitOptions) => Promise<ProcessEvent>;
  /** SIGTERM, and SIGKILL after `graceMs` (5,000 unless told). */
  stop: (graceMs?: number) => Promise<ProcessExit>;
  /** SIGKILL at once, as a power cut would end it. */
  kill: () => Promise<ProcessExit>;
}

const DEFAULT_WAIT_MS = 120_000;
const DEFAULT_GRACE_MS = 5_000;
const STDERR_LINES = 20;
const MOST_EVENTS = 10_000;

/** Starts a Node script that tells what happens as JSON lines on stdout. It ends with this process. */
export function startProcess(options: ProcessOptions): NodeProcess {
  const { endsWithParent = false, env = process.env } = options;
  const child = spawn(process.execPath, [options.script, ...(options.args ?? [])], {
    cwd: options.cwd,
    env: { ...env, ...(endsWithParent && { [PARENT_VARIABLE]: '1' }) },
    stdio: [endsWithParent ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // Its own process group: Ctrl-C reaches the parent only, which stops its children in order.
    detached: true,
  });
  registerChild(child);
  return new Handle(child, options);
}

/**
 * Starts a program of this package with `--config`; resolves with its event that it is `ready`. Throws
 * EdgeError NOT_FOUND before a build.
 */
export async function startProgram(
  bundle: string,
  configFile: string,
  ready: string,
  options: Omit<ProcessOptions, 'script' | 'args'>,
): Promise<{ child: NodeProcess; event: ProcessEvent }> {
  const script = join(projectRoot(), bundle);
  if (!existsSync(script)) throw new EdgeError('NOT_FOUND', `${script} is not built: npm run build`);
  const child = startProcess({ ...options, script, args: ['--config', configFile], endsWithParent: true });
  try {
    return { child, event: await child.waitFor(ready) };
  } catch (error) {
    await child.kill();
    throw error;
  }
}

class Handle implements NodeProcess {
  readonly name: string;
  readonly exited: Promise<ProcessExit>;
  readonly events: ProcessEvent[] = [];
  readonly #stderr: string[] = [];
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  #exit: ProcessExit | undefined;
  #failure: Error | undefined;

  constructor(
    private readonly child: ChildProcess,
    private readonly options: ProcessOptions,
  ) {
    this.name = options.name;
    this.#readLines();
    this.exited = new Promise((resolve) => {
      const finish = (exit: ProcessExit): void => {
        forgetChild(child);
        this.#exit = exit;
        resolve(exit);
        this.#emitter.emit('exit');
      };
      // `close` comes after the last line of output, `exit` may come before it.
      child.once('close', (code, signal) => finish({ code, signal }));
      child.once('error', (error) => {
        this.#failure = error;
        if (child.pid === undefined) finish({ code: null, signal: null });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  waitFor(event: string, options: WaitOptions = {}): Promise<ProcessEvent> {
    const matches = (candidate: ProcessEvent): boolean =>
      candidate.event === event && (options.where?.(candidate) ?? true);
    const earlier = options.fresh ? undefined : this.events.find(matches);
    if (earlier !== undefined) return Promise.resolve(earlier);
    if (this.#exit !== undefined) return Promise.reject(this.#ended(event));
    const timeoutMs = options.timeoutMs ?? DEFAULT_WAIT_MS;
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        this.#emitter.off('event', onEvent).off('exit', onExit);
        act();
      };
      const onEvent = (candidate: ProcessEvent): void => {
        if (matches(candidate)) finish(() => resolve(candidate));
      };
      const onExit = (): void => finish(() => reject(this.#ended(event)));
      const timer = setTimeout(() => {
        finish(() => reject(this.#error('TIMED_OUT', `no "${event}" within ${timeoutMs} ms`)));
      }, timeoutMs);
      this.#emitter.on('event', onEvent).on('exit', onExit);
    });
  }

  async stop(graceMs = DEFAULT_GRACE_MS): Promise<ProcessExit> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  kill(): Promise<ProcessExit> {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  #readLines(): void {
    const { stdout, stderr } = this.child;
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#onLine(line));
    if (stderr === null) return;
    createInterface({ input: stderr }).on('line', (line) => {
      this.#stderr.push(line);
      if (this.#stderr.length > STDERR_LINES) this.#stderr.shift();
    });
  }

  #onLine(line: string): void {
    this.options.onLine?.(line);
    const event = parseEvent(line);
    if (event === undefined) return;
    this.events.push(event);
    if (this.events.length > MOST_EVENTS) this.events.shift();
    this.options.onEvent?.(event);
    this.#emitter.emit('event', event);
  }

  #ended(event: string): EdgeError {
    const how = this.#failure?.message ?? `ended (${this.#exit?.signal ?? `code ${this.#exit?.code}`})`;
    return this.#error('CLOSED', `${how} before "${event}"`);
  }

  #error(code: 'CLOSED' | 'TIMED_OUT', what: string): EdgeError {
    const stderr = this.#stderr.length === 0 ? '' : `\n${this.#stderr.join('\n')}`;
    return new EdgeError(code, `${this.name}: ${what}${stderr}`);
  }
}

function parseEvent(line: string): ProcessEvent | undefined {
  const value = line.startsWith('{') ? (tryParseJson(line) as Partial<ProcessEvent> | undefined) : undefined;
  return typeof value?.event === 'string' ? (value as ProcessEvent) : undefined;
}
