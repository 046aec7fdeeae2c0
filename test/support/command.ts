import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { processTree, survivors, type ProcessId } from './processTree';

const EXIT_MS = 120_000;

export interface CommandExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A command as a user starts it in a terminal: in the foreground process group, which Ctrl-C reaches. */
export class Command {
  private printedSoFar = '';
  private readonly exited: Promise<CommandExit>;
  private readonly child: ChildProcess;
  private readonly events = new EventEmitter();
  private ended = false;
  /** Its own folder for temporary files, which goes with it. */
  readonly temporary = mkdtempSync(path.join(tmpdir(), 'edge-tmp-'));
  /** What it left there. */
  leftBehind: string[] = [];

  constructor(script: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
    const own = { TMPDIR: this.temporary, SLS_NOTIFICATIONS_MODE: 'off', SLS_TELEMETRY_DISABLED: '1' };
    this.child = spawn(process.execPath, [script, ...args], {
      cwd,
      env: { ...process.env, ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.printedSoFar += text;
        this.events.emit('output');
      });
    }
    this.exited = once(this.child, 'close').then(async ([code, signal]) => {
      this.leftBehind = await readdir(this.temporary);
      await rm(this.temporary, { recursive: true, force: true, maxRetries: 3 });
      this.ended = true;
      this.events.emit('output');
      return { code, signal };
    });
  }

  /** What it printed so far, without colours: whether there are any depends on where the tests run. */
  get output(): string {
    return stripVTControlCharacters(this.printedSoFar);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** The first match in what it printed so far or prints yet. Rejects with all of it when it ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.ended) throw new Error(`ended before it printed ${pattern}:\n${this.output}`);
      await once(this.events, 'output');
    }
  }

  /** How it ended. Rejects with all that it printed and what still runs when it does not end in time. */
  async exit(ms = EXIT_MS): Promise<CommandExit> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), ms)));
    const exit = await Promise.race([this.exited, late]);
    clearTimeout(timer);
    if (exit !== 'late') return exit;
    const running = (await this.tree()).map(({ command }) => command).join('\n');
    throw new Error(`did not end within ${ms} ms. Still running:\n${running}\nPrinted:\n${this.output}`);
  }

  tree(): Promise<ProcessId[]> {
    return processTree(this.pid);
  }

  /** As Ctrl-C does. */
  interrupt(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  /** As `kill <pid>` does. */
  terminate(): void {
    this.child.kill('SIGTERM');
  }

  /** For the end of a test that failed: nothing of it goes on running. */
  async destroy(): Promise<void> {
    const tree = this.ended ? [] : await this.tree();
    for (const { pid } of await survivors(tree, 0)) process.kill(pid, 'SIGKILL');
    await this.exited;
  }
}
