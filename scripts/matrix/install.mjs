import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { registryProblem } from '../registry.mjs';
import { run } from './run.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
export const CACHE = path.join(os.tmpdir(), `edge-matrix-${os.userInfo().username}`);

const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
/** What the examples name in their package.json, in the versions of the project. */
const BESIDE = Object.fromEntries(
  ['serverless-esbuild', 'esbuild'].map((name) => [name, manifest.devDependencies[name]]),
);
/** serverless 3 reads a serverless.ts with the service's own ts-node. */
const FOR_SERVERLESS_3 = { 'ts-node': '^10.9.2', typescript: manifest.devDependencies.typescript };

/** The plugin as an installing service gets it: the content of the tarball, nothing around it. */
export async function packPlugin(folder) {
  await mkdir(folder, { recursive: true });
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(await npm(args, { cwd: ROOT }));
  await run('tar', ['-xzf', filename], { cwd: folder });
  return path.join(folder, 'package');
}

/** A Node of the major version: this process's own, or npm's package with the binary inside. */
export async function installNode(major) {
  const [own] = process.versions.node.split('.');
  if (own === major) return { major, version: process.versions.node, binary: process.execPath };
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = await installed(`node-${major}`, { [name]: major });
  const binary = path.join(
    folder,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  const version = (await run(binary, ['--version'])).trim().slice(1);
  return { major, version, binary };
}

/** `modules`: the node_modules with the framework and serverless-esbuild; `offline`: one with serverless-offline. */
export async function installFramework(name, { spec, offline }) {
  const modules =
    spec === 'project'
      ? path.join(ROOT, 'node_modules')
      : path.join(
          await installed(name, { serverless: spec, ...BESIDE, ...FOR_SERVERLESS_3 }),
          'node_modules',
        );
  const cli = path.join(modules, 'serverless', 'bin', 'serverless.js');
  if (!existsSync(cli)) throw new Error(`${cli} is not there: npm ci`);
  const [plugin, range] = offline.split('@');
  try {
    const folder = await installed(`${plugin}-${range}`, { [plugin]: range });
    return { name, modules, cli, offline: path.join(folder, 'node_modules') };
  } catch (offlineError) {
    return { name, modules, cli, offlineError };
  }
}

/** A folder with these packages, installed once: a folder that was left half-way has no final name. */
async function installed(name, dependencies) {
  const folder = path.join(CACHE, name);
  const wanted = JSON.stringify({ name: `edge-matrix-${name}`, private: true, dependencies });
  const file = path.join(folder, 'package.json');
  if (existsSync(file) && (await readFile(file, 'utf8')) === wanted) return folder;
  const problem = await registryProblem();
  if (problem !== undefined) throw new Error(problem);
  console.log(
    `installing ${Object.entries(dependencies)
      .map((each) => each.join('@'))
      .join(' ')} …`,
  );
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await writeFile(path.join(unfinished, 'package.json'), wanted);
    // The peer of serverless-offline is the framework, which is tested beside it and not inside.
    const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps'];
    await npm(args, { cwd: unfinished });
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

function npm(args, options) {
  return run('npm', args, { shell: process.platform === 'win32', ...options });
}
