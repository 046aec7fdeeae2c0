import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { EdgeError } from '../../protocol';

const NAME = 'serverless-edge-on-demand';
const OWNER_ONLY = 0o700;
/** Overrides the user's cache folder. */
const VARIABLE = 'EDGE_CACHE_DIR';

/**
 * The folder of one service and stage where the code of its functions is unpacked: outside of the service,
 * because Node would find the developer's `node_modules` from inside. Only its owner may read it. `warn` is
 * told when there is no place from which Node finds none. Throws EdgeError CONFLICT when nothing can be made.
 */
export async function cacheFolder(
  { serviceDir, stage }: { serviceDir: string; stage: string },
  warn: (text: string) => void,
  env = process.env,
): Promise<string> {
  const root = await cacheRoot(env, warn);
  const service = await realpath(serviceDir);
  const key = createHash('sha256').update(`${service}\n${stage}`).digest('hex').slice(0, 12);
  const folder = join(root, `${basename(service)}-${stage}-${key}`.replace(/[^\w.-]/g, '_'));
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
  await chmod(folder, OWNER_ONLY);
  return folder;
}

async function cacheRoot(env: NodeJS.ProcessEnv, warn: (text: string) => void): Promise<string> {
  const wanted = env[VARIABLE];
  const places =
    wanted === undefined
      ? [join(userCache(env), NAME), join(tmpdir(), `${NAME}-${userInfo().username}`)]
      : [resolve(wanted)];
  const known = places.map((place) => ({ place, modules: modulesAbove(place) }));
  // First those from which Node finds nothing.
  known.sort((a, b) => Number(a.modules !== undefined) - Number(b.modules !== undefined));
  const problems: string[] = [];
  for (const { place, modules } of known) {
    const problem = await claim(place);
    if (problem === undefined) {
      if (modules !== undefined) {
        warn(
          `functions find ${modules}, which a node does not have; ${VARIABLE} names another place for them`,
        );
      }
      return place;
    }
    problems.push(problem);
  }
  throw new EdgeError('CONFLICT', `there is no place to unpack functions: ${problems.join('; ')}`, {
    expected: `set ${VARIABLE} to a folder of your own`,
  });
}

/** Gives what is wrong with a folder that is none, or not of this user alone. */
async function claim(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
    const { uid } = await stat(folder);
    if (process.getuid === undefined || uid === process.getuid()) return undefined;
    return `${folder} belongs to another user`;
  } catch (error) {
    return `${folder} cannot be made: ${(error as Error).message}`;
  }
}

function userCache(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  if (process.platform === 'win32') return env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local');
  return env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
}

/** The nearest `node_modules` that Node looks into from a file below `folder`. */
function modulesAbove(folder: string): string | undefined {
  for (let above = resolve(folder); ; above = dirname(above)) {
    const modules = join(above, 'node_modules');
    if (existsSync(modules)) return modules;
    if (above === dirname(above)) return undefined;
  }
}
