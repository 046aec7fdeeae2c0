import { createWriteStream } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import type { CompiledTemplate } from '../../../plugin/framework';
import { root } from '../../support/root';
import { sls } from '../../support/sls';
import { packageInProcess, type Packaged, type PackageOptions } from './inProcess';

export interface ServiceCopy {
  dir: string;
  /** Runs the framework's command line there; throws with its output. */
  sls(...args: string[]): Promise<string>;
  read(file: string): Promise<Buffer>;
  json<T>(file: string): Promise<T>;
  template(packageDir?: string): Promise<CompiledTemplate>;
  /**
   * `sls package` in this process, with the plugin from its sources and no other. Throws what the framework
   * would show.
   */
  package(options?: PackageOptions): Promise<Packaged>;
}

/** The template of the fixture `greenhouse`, packaged in this process; `edit` changes its serverless.yml. */
export async function templateOf(
  edit?: (yaml: string) => string,
  options?: PackageOptions,
): Promise<CompiledTemplate> {
  const { template } = await (await copyOf('greenhouse', edit)).package(options);
  return template;
}

/** A copy of a fixture in a folder of its own; `edit` changes its serverless.yml first. */
export async function copyOf(
  fixture: string,
  edit: (yaml: string) => string = (yaml) => yaml,
): Promise<ServiceCopy> {
  const dir = await mkdtemp(path.join(tmpdir(), `edge-${fixture}-`));
  await cp(path.join(__dirname, '..', 'fixtures', fixture), dir, { recursive: true });
  const config = path.join(dir, 'serverless.yml');
  await writeFile(config, edit(await readFile(config, 'utf8')));
  await writeZip(path.join(dir, 'prebuilt.zip'), {
    'index.js': 'exports.handler = async () => "open";\n',
    'edge.json': '{ "name": "someoneElse" }',
  });
  const read = (file: string): Promise<Buffer> => readFile(path.join(dir, file));
  const json = async <T>(file: string): Promise<T> => JSON.parse((await read(file)).toString()) as T;
  return {
    dir,
    read,
    json,
    sls: (...args) => run(dir, args),
    package: (options) => packageInProcess(dir, options),
    template: (packageDir = '.serverless') =>
      json(path.join(packageDir, 'cloudformation-template-update-stack.json')),
  };
}

/** Not in node_modules: the framework's own packaging would follow the link to it. */
const EDGE_PLUGIN = path.join(root, 'dist', 'plugin', 'index.cjs');

async function run(dir: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sls(dir, args, { EDGE_PLUGIN });
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
  return stdout + stderr;
}

async function writeZip(file: string, files: Record<string, string>): Promise<void> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(file));
}
