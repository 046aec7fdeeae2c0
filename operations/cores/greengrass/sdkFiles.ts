import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { builtinModules, createRequire } from 'node:module';
import path from 'node:path';
import { EdgeError } from '../../../protocol';
import type { PackageEntry } from '../../../protocol/functionPackage';

const ENTRY = 'aws-iot-device-sdk-v2/dist/greengrasscoreipc';
const NATIVE_PACKAGE = 'aws-crt';
/** Beside the code, so that what is passed on keeps its licence. */
const COMPANIONS = ['package.json', 'LICENSE', 'NOTICE'];

/** Architectures as Greengrass names them, with the folder of aws-crt's native part. */
const NATIVE_FOLDERS = { amd64: 'linux-x64-glibc', aarch64: 'linux-arm64-glibc' } as const;
export type Architecture = keyof typeof NATIVE_FOLDERS;
export const ARCHITECTURES = Object.keys(NATIVE_FOLDERS) as Architecture[];

export interface SdkFiles {
  /** `node_modules/…`: every file that the IPC client loads, and no other. */
  common: PackageEntry[];
  /** The native part for one architecture. npm's package carries those of all. */
  native: Record<Architecture, PackageEntry>;
}

/**
 * Greengrass' IPC client as it is installed for `folder`. Throws NOT_FOUND when it is not, or when it is
 * built in a way that this does not know.
 */
export async function readSdkFiles(folder: string): Promise<SdkFiles> {
  const roots = new Map<string, string>();
  const common = await closureOf(entryOf(folder), roots);
  const crt = roots.get(NATIVE_PACKAGE);
  if (crt === undefined) throw notFound(`${ENTRY} does not load ${NATIVE_PACKAGE}`);
  const paths = new Set(common.map((each) => each.path));
  for (const [name, root] of roots) {
    common.push(...(await companionsOf(name, root)).filter((each) => !paths.has(each.path)));
  }
  const natives = ARCHITECTURES.map(async (architecture) => {
    const file = path.join('dist', 'bin', NATIVE_FOLDERS[architecture], 'aws-crt-nodejs.node');
    return [architecture, await entryAt(NATIVE_PACKAGE, crt, path.join(crt, file))] as const;
  });
  return { common, native: Object.fromEntries(await Promise.all(natives)) as SdkFiles['native'] };
}

function entryOf(folder: string): string {
  try {
    return createRequire(path.join(folder, 'package.json')).resolve(ENTRY);
  } catch (cause) {
    throw new EdgeError('NOT_FOUND', `aws-iot-device-sdk-v2 is not installed in ${folder}`, {
      expected: 'npm install --save-dev aws-iot-device-sdk-v2',
      cause,
    });
  }
}

/** CommonJS as compilers write it: each `require` names a module in quotes. */
async function closureOf(entry: string, roots: Map<string, string>): Promise<PackageEntry[]> {
  const found = new Map<string, PackageEntry>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue;
    const { name, root } = packageOf(file);
    if ((roots.get(name) ?? root) !== root) throw notFound(`${name} is installed in two versions`);
    roots.set(name, root);
    const packed = await entryAt(name, root, file);
    found.set(file, packed);
    const require = createRequire(file);
    for (const [, wanted = ''] of packed.content.toString().matchAll(/\brequire\(["']([^"']+)["']\)/g)) {
      if (!isBuiltin(wanted)) queue.push(resolved(require, wanted, file));
    }
  }
  return [...found.values()];
}

function resolved(require: NodeJS.Require, wanted: string, from: string): string {
  try {
    return require.resolve(wanted);
  } catch {
    throw notFound(`${from} needs ${wanted}, which is not installed`);
  }
}

function isBuiltin(name: string): boolean {
  return name.startsWith('node:') || builtinModules.includes(name);
}

/** The folder below the nearest `node_modules` that the file lies in, and its name there. */
function packageOf(file: string): { name: string; root: string } {
  const marker = `${path.sep}node_modules${path.sep}`;
  const at = file.lastIndexOf(marker) + marker.length;
  const parts = file.slice(at).split(path.sep);
  const name = parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1);
  return { name: name.join('/'), root: path.join(file.slice(0, at), ...name) };
}

async function companionsOf(name: string, root: string): Promise<PackageEntry[]> {
  const there = COMPANIONS.map((file) => path.join(root, file)).filter((file) => existsSync(file));
  return Promise.all(there.map((file) => entryAt(name, root, file)));
}

async function entryAt(name: string, root: string, file: string): Promise<PackageEntry> {
  const inside = path.relative(root, file).split(path.sep).join('/');
  try {
    return { path: `node_modules/${name}/${inside}`, content: await readFile(file), executable: false };
  } catch (cause) {
    throw notFound(`${file} is missing`, cause);
  }
}

function notFound(message: string, cause?: unknown): EdgeError {
  return new EdgeError('NOT_FOUND', `the Greengrass IPC client: ${message}`, {
    expected: 'npm install --save-dev aws-iot-device-sdk-v2',
    cause,
  });
}
