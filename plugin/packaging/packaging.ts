import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  DEPLOY_MANIFEST_FILE,
  packageFile,
  type DeployManifest,
} from '../../operations/packages/deployManifest';
import type { groupFileSchema } from '../../operations/groups/groupFiles';
import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import { EdgeError } from '../../protocol';
import { packageDigest, type PackageEntry } from '../../protocol/functionPackage';
import type { z } from 'zod';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { FunctionDefinition, Serverless, ServerlessService } from '../framework';
import { readArtifact, writeEdgePackage } from './edgePackage';
import { edgeConfigOf, isCloudOnly, isEdgeOnly } from './functionConfig';
import { withLayers } from './layers';

/** Where the framework collects what it packages, before it moves it to `--package`. */
export function outputDirectory(serverless: Serverless): string {
  return path.join(serverless.serviceDir, '.serverless');
}

/** Function packages, group files and the manifest; part of what `--package` holds. */
export function edgeDirectory(serverless: Serverless): string {
  return path.join(outputDirectory(serverless), 'edge');
}

/**
 * Makes the function packages under `.serverless/edge/`, a group file per group and the manifest. On
 * disk, because `deploy --package` has no memory of `package`. Throws PACKAGE_*, HANDLER_NOT_FOUND and
 * CONFIG_INVALID naming the function.
 */
export async function writeEdgeDirectory(
  serverless: Serverless,
  configuration: EdgeConfiguration,
): Promise<void> {
  const directory = edgeDirectory(serverless);
  await mkdir(directory, { recursive: true });
  const packages = await writePackages(serverless, configuration, directory);
  await writeGroups(directory, configuration);
  await writeJson(
    path.join(directory, DEPLOY_MANIFEST_FILE),
    manifestOf(serverless, configuration, packages),
  );
}

type Packages = DeployManifest['packages'];

/** The function packages alone. Throws as `writeEdgeDirectory`. */
export async function writePackages(
  serverless: Serverless,
  configuration: EdgeConfiguration,
  directory: string,
): Promise<Packages> {
  const packages: Packages = [];
  const read = readingOnce();
  for (const name of Object.keys(configuration.section.functions).sort()) {
    const definition = serverless.service.functions[name];
    if (definition === undefined) continue;
    const config = edgeConfigOf(name, serverless.service, configuration);
    const entries = isCloudOnly(name, configuration)
      ? () => nameOfCode(name, definition, serverless)
      : async () => withLayers(name, await read(artifactOf(name, definition, serverless)), serverless);
    const written = await naming(name, async () =>
      writeEdgePackage(await entries(), config, path.join(directory, packageFile(name))),
    );
    packages.push({
      name,
      ...(config.version === undefined ? {} : { version: config.version }),
      locations: config.locations ?? ['edge'],
      ...written,
    });
    if (isEdgeOnly(name, configuration)) await removeGenerated(name, definition, serverless);
  }
  return packages;
}

/**
 * Of a function that runs in the cloud alone: its code is there already, in whatever runtime, and a package
 * only tells one version of it from the next.
 */
async function nameOfCode(
  name: string,
  definition: FunctionDefinition,
  serverless: Serverless,
): Promise<PackageEntry[]> {
  const code =
    definition.image === undefined
      ? packageDigest(await readFile(artifactOf(name, definition, serverless)))
      : JSON.stringify(definition.image);
  return [{ path: 'code.txt', content: Buffer.from(`${code}\n`), executable: false }];
}

/** Nothing of the stack needs it. */
async function removeGenerated(
  name: string,
  definition: FunctionDefinition,
  serverless: Serverless,
): Promise<void> {
  const artifact = artifactOf(name, definition, serverless);
  if (isGenerated(artifact, serverless)) await rm(artifact, { force: true });
}

/**
 * Where no function of the stack is in the artifact of the whole service, the framework neither uploads it nor
 * finds it in its bucket, and would take that for a change at each deployment.
 */
export async function hideSharedArtifact(serverless: Serverless): Promise<void> {
  const { service } = serverless;
  const isUsed = Object.values(service.functions).some(
    (each) =>
      each.image === undefined && each.package?.artifact === undefined && !isIndividual(each, service),
  );
  if (isUsed) return;
  const shared = path.join(outputDirectory(serverless), `${service.service}.zip`);
  const { artifact = shared } = service.package;
  if (path.resolve(serverless.serviceDir, artifact) === shared) await rm(shared, { force: true });
  delete service.package.artifact;
}

function isIndividual(definition: FunctionDefinition, service: ServerlessService): boolean {
  return (definition.package?.individually ?? service.package.individually) === true;
}

/** Functions that are not packaged individually share one artifact, which may be large. */
function readingOnce(): (artifact: string) => Promise<PackageEntry[]> {
  const known = new Map<string, Promise<PackageEntry[]>>();
  return (artifact) => {
    const entries = known.get(artifact) ?? readArtifact(artifact);
    known.set(artifact, entries);
    return entries;
  };
}

async function naming<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error;
    throw new EdgeError(error.code, `functions.${name}: ${error.message}`, {
      ...(error.field === undefined ? {} : { field: `functions.${name}.${error.field}` }),
      ...(error.expected === undefined ? {} : { expected: error.expected }),
      cause: error,
    });
  }
}

/** An artifact of this one function that the framework wrote, not the user's own file or the whole service. */
function isGenerated(artifact: string, serverless: Serverless): boolean {
  const shared = serverless.service.package.artifact;
  return (
    path.dirname(artifact) === outputDirectory(serverless) &&
    (shared === undefined || artifact !== path.resolve(serverless.serviceDir, shared))
  );
}

function artifactOf(name: string, definition: FunctionDefinition, serverless: Serverless): string {
  const artifact = definition.package?.artifact ?? serverless.service.package.artifact;
  const field = `functions.${name}.package`;
  if (artifact === undefined) {
    throw new EdgeError('PACKAGE_INVALID', `${field}: the framework made no package for it`, { field });
  }
  if (/^(s3|https?):\/\//i.test(artifact)) {
    throw new EdgeError('PACKAGE_INVALID', `${field}.artifact: found "${artifact}", expected a file here`, {
      field: `${field}.artifact`,
      expected: 'the path of a zip file on this machine',
    });
  }
  return path.resolve(serverless.serviceDir, artifact);
}

/** `group.json`: the operator's part of a group's definition, before things and certificates are known. */
async function writeGroups(directory: string, configuration: EdgeConfiguration): Promise<void> {
  const { descriptor, options } = configuration.engine;
  for (const [group, entry] of Object.entries(configuration.section.groups)) {
    const thingGroup = configuration.thingGroupOf(group);
    const document: z.input<typeof groupFileSchema> = {
      group,
      core: configuration.coreOf(group),
      devices: entry.devices,
      statics: entry.functions,
      limits: entry.limits,
      logs: { level: configuration.section.logs },
      ...(descriptor.groupEngine && { engine: descriptor.groupEngine(options, entry) }),
      ...(thingGroup === undefined ? {} : { thingGroup }),
    };
    await mkdir(path.join(directory, group), { recursive: true });
    await writeJson(path.join(directory, group, 'group.json'), document);
  }
}

function manifestOf(
  serverless: Serverless,
  configuration: EdgeConfiguration,
  packages: Packages,
): DeployManifest {
  const { service, stage, section } = configuration;
  const { naming } = serverless.getProvider('aws');
  const ofPlugin = [...SYSTEM_FUNCTIONS, ...(configuration.engine.descriptor.functions ?? [])];
  const inCloud = packages.filter(({ locations }) => locations.includes('cloud'));
  const { name, ...options } = section.engine;
  return {
    format: 1,
    service,
    stage,
    engine: { name, options },
    groups: Object.keys(section.groups),
    packages,
    cloudFunctions: [...ofPlugin, ...inCloud].map(({ name: each }) => naming.getLambdaLogicalId(each)),
  };
}

async function writeJson(file: string, document: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(document, null, 2)}\n`);
}
