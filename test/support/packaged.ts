import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CompiledTemplate } from '../../plugin/framework';
import { root } from './root';
import { sls } from './sls';

export { root } from './root';

export interface PackagedService {
  serviceDir: string;
  /** What `--package` names: template, artifacts, edge/. */
  directory: string;
  template: CompiledTemplate;
}

/**
 * Packages a copy of the project template through the framework's command line. `edit` changes its
 * serverless.yml first, `files` are put beside it. Throws with the command's output.
 */
export async function packageTemplate(
  edit: (yaml: string) => string = (yaml) => yaml,
  files: Record<string, string> = {},
): Promise<PackagedService> {
  const serviceDir = await mkdtemp(path.join(tmpdir(), 'edge-service-'));
  const yaml = await readFile(path.join(root, 'serverless.yml'), 'utf8');
  const asInstalled = edit(yaml).replace('./dist/plugin/index.cjs', 'serverless-edge-on-demand');
  await writeFile(path.join(serviceDir, 'serverless.yml'), asInstalled);
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(serviceDir, name), text);
  await writeFile(path.join(serviceDir, 'package.json'), '{ "name": "edge-demo", "private": true }\n');
  await cp(path.join(root, 'examples', 'sensors'), path.join(serviceDir, 'examples', 'sensors'), {
    recursive: true,
  });
  await installPackages(serviceDir);
  return packageService(serviceDir);
}

/** The project template with another engine than its own, and how functions come to its cores. */
export function withEngine(engine: string, delivery?: string): (yaml: string) => string {
  return (yaml) =>
    yaml
      .replace("${param:engine, 'direct'}", engine)
      .replace('${param:delivery, null}', delivery ?? '${param:delivery, null}');
}

/** As `npm install` would leave it, without copying. */
export async function installPackages(serviceDir: string): Promise<void> {
  const modules = path.join(serviceDir, 'node_modules');
  await mkdir(modules);
  await symlink(root, path.join(modules, 'serverless-edge-on-demand'));
  for (const name of ['serverless-esbuild', 'esbuild']) {
    await symlink(path.join(root, 'node_modules', name), path.join(modules, name));
  }
}

export async function packageService(serviceDir: string): Promise<PackagedService> {
  const directory = path.join(serviceDir, 'packaged');
  const { code, stdout, stderr } = await sls(serviceDir, ['package', '--package', directory]);
  if (code !== 0) throw new Error(`sls package failed:\n${stdout}${stderr}`);
  const template = await readFile(path.join(directory, 'cloudformation-template-update-stack.json'), 'utf8');
  return { serviceDir, directory, template: JSON.parse(template) as CompiledTemplate };
}
