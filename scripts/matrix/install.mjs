import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { registryProblem } from '../registry.mjs';
import { run } from './run.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
export const CACHE = path.join(os.tmpdir(), `edge-matrix-${os.userInfo().username}`);

/** Majors of the framework; of osls 4 the project itself has one. */
export const FRAMEWORKS = {
  'osls-4': { offline: 'serverless-offline-14' },
  'osls-3': { spec: 'npm:osls@3', offline: 'serverless-offline-13' },
  'serverless-3': { spec: 'npm:serverless@3.40.0', offline: 'serverless-offline-13' },
};

const OFFLINE = {
  'serverless-offline-13': 'npm:serverless-offline@13',
  'serverless-offline-14': 'npm:serverless-offline@14',
};

/** Plugins of the services, by the majors that were tried, and what they work with. */
const PLUGINS = {
  'serverless-appsync-plugin': '2',
  'serverless-domain-manager': '10',
  'serverless-dotenv-plugin': '6',
  'serverless-iam-roles-per-function': '3',
  'serverless-lift': '1',
  'serverless-plugin-aws-alerts': '1',
  'serverless-plugin-canary-deployments': '0.8',
  'serverless-plugin-common-excludes': '4',
  'serverless-plugin-include-dependencies': '6',
  'serverless-plugin-log-retention': '2',
  'serverless-plugin-typescript': '2',
  'serverless-plugin-warmup': '8',
  'serverless-prune-plugin': '2',
  'serverless-pseudo-parameters': '2',
  'serverless-s3-sync': '3',
  'serverless-step-functions': '3',
  'serverless-webpack': '5',
};
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

/**
 * The frameworks with the plugins that services beside them list, all out of one folder, which is installed
 * once: `packages` is what a service finds in its node_modules.
 */
export async function installFrameworks(names, plugins, { offline }) {
  const wanted = {
    ...Object.fromEntries(
      names.flatMap((name) => (FRAMEWORKS[name].spec ? [[name, FRAMEWORKS[name].spec]] : [])),
    ),
    ...(offline ? OFFLINE : {}),
    ...Object.fromEntries(plugins.flatMap((name) => (name in PLUGINS ? [[name, PLUGINS[name]]] : []))),
    'ts-node': '^10.9.2',
    // Newer ones than plugins know.
    typescript: '~5.9',
    ...(plugins.includes('serverless-webpack') && { webpack: '5' }),
  };
  const modules = path.join(await installed('services', wanted), 'node_modules');
  const shared = Object.keys(wanted).filter((name) => !(name in FRAMEWORKS) && !(name in OFFLINE));
  return names.map((name) => {
    const { spec, offline: ownOffline } = FRAMEWORKS[name];
    const home = spec ? path.join(modules, name) : PROJECT_FRAMEWORK;
    return frameworkAt(name, home, {
      ...Object.fromEntries(shared.map((each) => [each, path.join(modules, each)])),
      ...(offline && { 'serverless-offline': path.join(modules, ownOffline) }),
    });
  });
}

const PROJECT_FRAMEWORK = path.join(ROOT, 'node_modules', 'serverless');

/** What is there without the registry; it packages services that list no other plugin. */
export function projectFramework() {
  return frameworkAt('osls-4', PROJECT_FRAMEWORK, {});
}

function frameworkAt(name, home, packages) {
  const ofProject = ['esbuild', 'serverless-esbuild'].map((each) => [
    each,
    path.join(ROOT, 'node_modules', each),
  ]);
  return {
    name,
    cli: path.join(home, 'bin', 'serverless.js'),
    packages: { ...Object.fromEntries(ofProject), ...packages, serverless: home },
  };
}

/** A folder with these packages, installed once: a folder that was left half-way has no final name. */
async function installed(name, dependencies) {
  const folder = path.join(CACHE, name);
  const wanted = JSON.stringify({ name: `edge-matrix-${name}`, private: true, dependencies });
  const file = path.join(folder, 'package.json');
  if (existsSync(file) && holds(JSON.parse(await readFile(file, 'utf8')), dependencies)) return folder;
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
    // The peer of most plugins is the framework, which is tested beside them and not inside.
    const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps'];
    await npm(args, { cwd: unfinished });
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

function holds(manifest, dependencies) {
  return Object.entries(dependencies).every(([name, range]) => manifest.dependencies[name] === range);
}

function npm(args, options) {
  return run('npm', args, { shell: process.platform === 'win32', ...options });
}
