import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { withTemporaryFolder } from '../../local/dev/folders';
import { root } from '../support/packaged';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A folder outside of the project, removed after the tests of the file. */
export async function outside(name: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), `edge-${name}-`));
  folders.push(folder);
  return folder;
}

/** Runs a program to its end; what it printed, without colours. Throws with all of it. */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    const { stdout } = await withTemporaryFolder((own) =>
      promisify(execFile)(program, args, {
        cwd,
        env: { ...process.env, ...own, ...env },
        maxBuffer: 64 << 20,
      }),
    );
    return stripVTControlCharacters(stdout);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed in ${cwd}:\n${stdout}${stderr}`, { cause: error });
  }
}

export interface Packed {
  /** Path of the tarball. */
  file: string;
  /** Bytes of the tarball. */
  size: number;
  files: string[];
}

/** `npm pack` of what is built, of the project or of one of its workspaces. */
export async function pack(workspace?: string): Promise<Packed> {
  const target = await outside('pack');
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', target];
  const printed = await run('npm', workspace === undefined ? args : [...args, '-w', workspace], root);
  const [packed] = JSON.parse(printed) as { filename: string; size: number; files: { path: string }[] }[];
  if (packed === undefined) throw new Error(`npm pack made nothing: ${printed}`);
  return {
    file: path.join(target, packed.filename),
    size: packed.size,
    files: packed.files.map((file) => file.path).sort(),
  };
}

/** Links of the Markdown files in the tarball that lead to nothing there. `from`: the folder that was packed. */
export async function deadLinks({ files }: Packed, from = root): Promise<string[]> {
  const isThere = (target: string) => files.some((file) => file === target || file.startsWith(`${target}/`));
  const pages = files.filter((file) => file.endsWith('.md'));
  const links = await Promise.all(
    pages.map(async (page) => {
      const text = await readFile(path.join(from, page), 'utf8');
      return [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => !isThere(path.posix.join(path.posix.dirname(page), link).replace(/\/$/, '')))
        .map((link) => `${page}: ${link}`);
    }),
  );
  return links.flat();
}

const hasRegistry = process.env['EDGE_TEST_NO_REGISTRY'] === undefined;
/** For tests that install from the npm registry: skipped, and announced, where it cannot be reached. */
export const describeWithRegistry = hasRegistry ? describe : describe.skip;
export const testWithRegistry = hasRegistry ? test : test.skip;

export const PREFER_CACHE = ['--prefer-offline', '--no-audit', '--no-fund'];

/** An empty project of somebody else with these packages installed from the registry. */
export async function installInto(folder: string, packages: readonly string[]): Promise<void> {
  await writeFile(path.join(folder, 'package.json'), '{ "name": "outside", "private": true }\n');
  await run('npm', ['install', ...PREFER_CACHE, ...packages], folder);
}
