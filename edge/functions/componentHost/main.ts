import { parseArgs } from 'node:util';
import { hostFunction } from './host';
import { logLine } from './log';

/**
 * `node componentHost.cjs --socket <file> --name <function>@<version> --digest <digest> --package <folder>`:
 * runs one version of a function as a Greengrass component. With `--process` alone it is a function
 * process (edge/functions/process), so that one file is enough.
 */
function main(): void {
  if (process.argv[2] === '--process') {
    void import('../process/main');
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

main();
