import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { withTemporaryFolder } from '../../local/dev/folders';
import { root } from './root';

export interface SlsResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** The framework's command line, run to its end, whatever that is. AWS variables are those of `env` alone. */
export function sls(
  serviceDir: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<SlsResult> {
  return withTemporaryFolder((own) => run(serviceDir, args, { ...own, ...env }));
}

/** Another major of the framework, for whoever tries one. */
const CLI = process.env['EDGE_TEST_SLS'] ?? path.join(root, 'node_modules', '.bin', 'serverless');

/** Processes that have the framework loaded and nothing to do. They end by themselves (slsRunner.cjs). */
const idle: ChildProcess[] = [];

async function run(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<SlsResult> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const quiet = {
    SLS_NOTIFICATIONS_MODE: 'off',
    SLS_TELEMETRY_DISABLED: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const runner = takeRunner();
  const answer = answerOf(runner, args);
  runner.send({ cli: CLI, args, cwd, env: { ...Object.fromEntries(own), ...quiet, ...env } });
  const { code, stdout, stderr } = await answer;
  giveBack(runner);
  // Whether there are colours depends on where the tests run.
  return { code, stdout: stripVTControlCharacters(stdout), stderr: stripVTControlCharacters(stderr) };
}

function answerOf(runner: ChildProcess, args: readonly string[]): Promise<SlsResult> {
  return new Promise((resolve, reject) => {
    const failed = (code: number | null): void => {
      reject(new Error(`serverless ${args.join(' ')} ended its process with code ${code}`));
    };
    runner.once('exit', failed);
    runner.once('message', (answer) => {
      runner.removeListener('exit', failed);
      resolve(answer as SlsResult);
    });
  });
}

function takeRunner(): ChildProcess {
  let runner = idle.pop();
  while (runner?.connected === false) runner = idle.pop();
  runner ??= fork(path.join(root, 'test', 'support', 'slsRunner.cjs'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  });
  runner.ref();
  runner.channel?.ref();
  return runner;
}

/** It keeps no test alive. */
function giveBack(runner: ChildProcess): void {
  runner.unref();
  runner.channel?.unref();
  idle.push(runner);
}
