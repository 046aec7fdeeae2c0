import { parseArgs } from 'node:util';
import { hostFunction, logLine } from './host';

/**
 * `node componentHost.cjs --socket <file> --name <function>@<version> --digest <digest> --package <folder>`:
 * runs one version of a function as a Greengrass component. With `--process` alone it is a function
 * process (runtime/process), so that one file is enough.
 */
function main(): void {
  if (process.argv[2] === '--process') {
    leaveSignalsToHost();
    void import('../../../../runtime/process/main');
    return;
  }
  try {
    const { values } = parseArgs({
      options: {
        socket: { type: 'string' },
        name: { type: 'string' },
        digest: { type: 'string' },
        package: { type: 'string' },
      },
    });
    const { socket, name, digest, package: directory } = values;
    if (!socket || !name || !digest || !directory) {
      throw new Error(
        'usage: componentHost --socket <file> --name <key> --digest <digest> --package <folder>',
      );
    }
    hostFunction({ socket, key: name, digest, directory, script: __filename });
  } catch (error) {
    logLine('fatal', (error as Error).message);
    process.exitCode = 1;
  }
}

/**
 * The nucleus stops a component by a signal to everything below it, also across process groups. When a
 * function process ends is for its host to say, which lets calls finish first. Source:
 * aws-greengrass-nucleus, `UnixPlatform.killProcessAndChildren`.
 */
function leaveSignalsToHost(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);
}

main();
