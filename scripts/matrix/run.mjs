import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const LAST_LINES = 30;

/** Runs a program to its end. Throws Error with the last lines of what it printed. */
export async function run(file, args, options = {}) {
  try {
    const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 64 << 20, ...options });
    return stdout;
  } catch (error) {
    const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.replace(ESCAPES, '').trim();
    const tail = output.split('\n').slice(-LAST_LINES).join('\n');
    throw new Error(`${[file, ...args].join(' ')} (${error.signal ?? error.code}):\n${tail}`, {
      cause: error,
    });
  }
}
