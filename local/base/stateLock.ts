import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../../protocol';

const LOCK_FILE = 'cloud.pid';

/**
 * Keeps a second local cloud out of the same folder; gives the function that lets go of it.
 * Throws EdgeError CONFLICT naming the process that has it.
 */
export async function lockStateDir(stateDir: string): Promise<() => Promise<void>> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const path = join(stateDir, LOCK_FILE);
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const owner = Number(await readFile(path, 'utf8'));
    if (isAlive(owner)) {
      throw new EdgeError('CONFLICT', `${stateDir} is in use by the local cloud of process ${owner}`);
    }
    await writeFile(path, String(process.pid));
  }
  return () => rm(path, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
