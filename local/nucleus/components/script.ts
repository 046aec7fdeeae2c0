import { spawn, type ChildProcess } from 'node:child_process';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../lib/clock';
import { pause } from '../../../lib/timeLimit';
import { isGroupAlive, signalGroup, terminateTree } from './processGroups';

export interface ScriptOptions {
  script: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  onLine: (line: string, from: 'stdout' | 'stderr') => void;
  /** Told of the process group while it may live, so that it ends with the nucleus. */
  guard: { add: (pid: number) => void; remove: (pid: number) => void };
}

export interface ScriptExit {
  /** Undefined when a signal ended it. */
  code: number | undefined;
}

/** SIGTERM first; what has not ended then is killed. */
const GRACE_MS = 5_000;

/** How often it is asked whether a process group still lives; nobody tells. */
const POLL_MS = 20;

/** A lifecycle script in a shell, with all that it starts in one process group. */
export class Script {
  /** The shell has ended; what it started may go on until `stop`. */
  readonly exited: Promise<ScriptExit>;
  readonly #child: ChildProcess;
  readonly #forget: () => void;

  constructor(options: ScriptOptions) {
    const { script, cwd, env, onLine, guard } = options;
    this.#child = spawn('/bin/sh', ['-c', script], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid, stdout, stderr } = this.#child;
    if (pid !== undefined) guard.add(pid);
    if (stdout) createInterface({ input: stdout }).on('line', (line) => onLine(line, 'stdout'));
    if (stderr) createInterface({ input: stderr }).on('line', (line) => onLine(line, 'stderr'));
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code) => resolve({ code: code ?? undefined }));
      this.#child.once('error', (error) => {
        onLine(error.message, 'stderr');
        if (pid === undefined) resolve({ code: 127 });
      });
    });
    this.#forget = () => pid !== undefined && guard.remove(pid);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends everything that it started; resolves when nothing of its group is left. */
  async stop(): Promise<void> {
    const group = this.#child.pid;
    if (group === undefined) return;
    terminateTree(group);
    if (!(await ends(group, GRACE_MS))) {
      signalGroup(group, 'SIGKILL');
      await ends(group, GRACE_MS);
    }
    this.#forget();
  }
}

/** Whether the group has ended within `ms`. */
async function ends(group: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (isGroupAlive(group)) {
    if (performance.now() > deadline) return false;
    await pause(POLL_MS, undefined, systemClock);
  }
  return true;
}

/** `onpath <executable>` or `exists <file>`. */
export async function skips(condition: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const [, kind = '', subject = ''] = /^(\w+)\s+(.+)$/.exec(condition.trim()) ?? [];
  if (kind.toLowerCase() === 'exists') return isThere(subject);
  const folders = (env['PATH'] ?? '').split(delimiter);
  const found = await Promise.all(folders.map((folder) => isThere(join(folder, subject))));
  return found.includes(true);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
