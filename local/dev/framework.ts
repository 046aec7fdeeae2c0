import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { EdgeError } from '../../protocol';
import { projectRoot } from './folders';
import { endChild, forgetChild, registerChild } from './interruption';

export interface FrameworkOptions {
  serviceDir: string;
  env?: NodeJS.ProcessEnv;
  /** Every line that the framework and bundlers print. */
  onLine?: ((line: string) => void) | undefined;
  /** Opens a channel for messages. */
  ipc?: boolean;
}

/** The command line of the Serverless Framework, at work in a process of its own. */
export interface FrameworkRun {
  readonly child: ChildProcess;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  /** What it printed last. */
  tail: () => string;
  /** At once, with everything that it started. */
  end: () => void;
}

const OUTPUT_LINES = 40;

/** Starts it as a user would. It ends with this process. Throws NOT_FOUND when it is not installed. */
export function runFramework(args: readonly string[], options: FrameworkOptions): FrameworkRun {
  const { serviceDir, env = process.env, onLine, ipc = false } = options;
  const child = spawn(process.execPath, [frameworkCli(serviceDir), ...args], {
    cwd: serviceDir,
    // The plugin (plugin/commands/index.ts) sees to it that nothing asks AWS.
    env: { ...env, EDGE_FOR_LOCAL_CLOUD: '1', SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    detached: true,
  });
  registerChild(child);
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > OUTPUT_LINES) lines.shift();
      onLine?.(line);
    });
  }
  const exited = new Promise<number | null>((done, fail) => {
    child.once('error', fail).once('close', done);
  }).finally(() => forgetChild(child));
  exited.catch(() => undefined);
  return { child, exited, tail: () => lines.join('\n').trim(), end: () => endChild(child) };
}

/** The framework that the service has installed, else the one beside this package. */
function frameworkCli(serviceDir: string): string {
  for (const from of [serviceDir, projectRoot()]) {
    const require = createRequire(join(from, 'package.json'));
    for (const name of ['serverless', 'osls']) {
      const manifest = resolveIfThere(require, `${name}/package.json`);
      const cli = manifest === undefined ? undefined : join(dirname(manifest), 'bin', 'serverless.js');
      if (cli !== undefined && existsSync(cli)) return cli;
    }
  }
  throw new EdgeError('NOT_FOUND', 'the Serverless Framework is not installed: npm install osls');
}

function resolveIfThere(require: NodeJS.Require, request: string): string | undefined {
  try {
    return require.resolve(request);
  } catch {
    return undefined;
  }
}
