// Whether the npm registry answers that npm is configured for. As a program: exits 0 when it does, else
// prints why not and exits 1.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from './matrix/run.mjs';

/** Small, and needed here anyway. */
const ASKED = 'picocolors';
const WAIT_MS = 15_000;

let answer;

/**
 * Why the registry cannot be reached, or undefined when it answers. Asked once in a process, and through npm:
 * its proxy, its authorities and its access count. An answer out of npm's cache does not.
 */
export function registryProblem() {
  answer ??= ask();
  return answer;
}

async function ask() {
  const cache = await mkdtemp(path.join(os.tmpdir(), 'edge-registry-'));
  const limits = ['--fetch-retries=0', `--fetch-timeout=${WAIT_MS}`];
  try {
    await run('npm', ['view', ASKED, 'name', '--cache', cache, ...limits], {
      cwd: cache,
      shell: process.platform === 'win32',
      timeout: 2 * WAIT_MS,
    });
    return undefined;
  } catch ({ message }) {
    // A registry that refuses the question is there: what it refuses shows where it is needed.
    if (/^npm error code E4\d\d$/m.test(message)) return undefined;
    return `the npm registry cannot be reached: ${reasonOf(message)}`;
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

/** npm says what is wrong in the line after its code. */
export function reasonOf(message) {
  const lines = message.split('\n').map((line) => line.trim());
  return lines.find((line) => /^npm error (?!code|errno|syscall|A complete log)/.test(line)) ?? lines[0];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problem = await registryProblem();
  if (problem !== undefined) console.log(problem);
  process.exitCode = problem === undefined ? 0 : 1;
}
