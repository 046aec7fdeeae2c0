import { execFile } from 'node:child_process';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { withTemporaryFolder } from '../../local/dev/temporaryFolder';
import { root } from './packaged';

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

function run(serviceDir: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<SlsResult> {
  // Another major of the framework, for whoever tries one.
  const cli = process.env['EDGE_TEST_SLS'] ?? path.join(root, 'node_modules', '.bin', 'serverless');
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const quiet = {
    SLS_NOTIFICATIONS_MODE: 'off',
    SLS_TELEMETRY_DISABLED: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, ...args],
      { cwd: serviceDir, env: { ...Object.fromEntries(own), ...quiet, ...env } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        // Whether there are colours depends on where the tests run.
        resolve({ code, stdout: stripVTControlCharacters(stdout), stderr: stripVTControlCharacters(stderr) });
      },
    );
  });
}
