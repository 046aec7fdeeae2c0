import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startLocalService, type ServiceUnderTest } from '../../local';
import type { CloudFormationResource } from '../../lib/cloudFormation';
import { configOf, readPackage } from '../../protocol/functionPackage';
import { installPackages, packageService, root, type PackagedService } from '../support/packaged';

/** Packages of npm that some examples name beside the framework and esbuild. */
const LIBRARIES = ['@aws-sdk', 'yazl', 'buffer-crc32'];

const copies: string[] = [];
afterAll(() => Promise.all(copies.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A copy of the example with its packages installed, built if it has a build, and packaged by the framework. */
export async function packageExample(name: string): Promise<PackagedService> {
  return packageService(await prepareExample(name));
}

/** The same before it is packaged; the folder of the copy. */
export async function prepareExample(name: string): Promise<string> {
  const serviceDir = await mkdtemp(path.join(tmpdir(), `edge-${name}-`));
  copies.push(serviceDir);
  await cp(path.join(root, 'examples', name), serviceDir, { recursive: true });
  await installPackages(serviceDir);
  for (const library of LIBRARIES) {
    await symlink(path.join(root, 'node_modules', library), path.join(serviceDir, 'node_modules', library));
  }
  await build(serviceDir);
  return serviceDir;
}

/** As `npm run build` of an example that has one. */
export async function build(serviceDir: string): Promise<void> {
  await promisify(execFile)('npm', ['run', '--if-present', 'build'], { cwd: serviceDir });
}

export function ofType(service: PackagedService, type: string): Record<string, CloudFormationResource> {
  const { Resources } = service.template;
  return Object.fromEntries(Object.entries(Resources).filter(([, { Type }]) => Type === type));
}

/** Names of the Lambda functions, without those that every service with an `edge` section has. */
export function ownFunctions(service: PackagedService): unknown[] {
  return Object.values(ofType(service, 'AWS::Lambda::Function'))
    .filter(({ Properties }) => !String(Properties?.['Description']).startsWith('serverless-edge-on-demand:'))
    .map(({ Properties }) => Properties?.['FunctionName'])
    .sort();
}

/** `edge.json` and the other files of a function package. */
export async function functionPackageOf(service: PackagedService, name: string) {
  const entries = await readPackage(await readFile(path.join(service.directory, 'edge', `${name}.package`)));
  const files = entries.map((entry) => entry.path).filter((file) => file !== 'edge.json');
  return { config: configOf(entries), files };
}

export async function groupOf(service: PackagedService, group: string): Promise<unknown> {
  return JSON.parse(await readFile(path.join(service.directory, 'edge', group, 'group.json'), 'utf8'));
}

/** Deploys the package to a local cloud of its own, which ends with `use`. */
export async function onLocalCloud(
  service: PackagedService,
  use: (environment: ServiceUnderTest) => Promise<void>,
): Promise<void> {
  const environment = await startLocalService({
    serviceDir: service.serviceDir,
    packageDir: service.directory,
  });
  try {
    await use(environment);
  } finally {
    await environment.close();
  }
}
