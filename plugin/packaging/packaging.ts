import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgeError } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { FunctionDefinition, Serverless } from '../framework';
import { bundlePath, SYSTEM_FUNCTIONS } from '../systemFunctions';
import { writeEdgePackage } from './edgePackage';
import { edgeConfigOf, isEdgeOnly } from './functionConfig';

/** Where the framework collects what it packages, before it moves it to `--package`. */
function outputDirectory(serverless: Serverless): string {
  return path.join(serverless.serviceDir, '.serverless');
}

/**
 * serverless-esbuild re-points every Node function's artifact at `.serverless/<basename>`, so the
 * prebuilt bundles have to lie there.
 */
export async function placeSystemBundles(serverless: Serverless): Promise<void> {
  await mkdir(outputDirectory(serverless), { recursive: true });
  for (const name of SYSTEM_FUNCTIONS) {
    const definition = serverless.service.functions[name];
    if (definition === undefined) continue;
    const target = path.join(outputDirectory(serverless), `${name}.zip`);
    await copyFile(bundlePath(name), target);
    definition.package = { individually: true, artifact: path.relative(serverless.serviceDir, target) };
  }
}

/** Takes edge-only functions out while log groups and IAM statements are made; the result puts them back. */
export function withoutEdgeOnly(serverless: Serverless, configuration: EdgeConfiguration): () => void {
  const all = serverless.service.functions;
  serverless.service.functions = Object.fromEntries(
    Object.entries(all).filter(([name]) => !isEdgeOnly(name, configuration)),
  );
  return () => {
    serverless.service.functions = all;
  };
}

/**
 * Makes the function packages under `.serverless/edge/` with a group file per group, and takes
 * edge-only functions out of the template for good. On disk because `deploy --package` has no memory
 * of `package`.
 */
export async function extractEdgePackages(
  serverless: Serverless,
  configuration: EdgeConfiguration,
): Promise<void> {
  const directory = path.join(outputDirectory(serverless), 'edge');
  for (const name of Object.keys(configuration.section.functions)) {
    const definition = serverless.service.functions[name];
    if (definition === undefined) continue;
    const artifact = artifactOf(name, definition, serverless);
    await writeEdgePackage(
      artifact,
      edgeConfigOf(name, serverless.service, configuration),
      path.join(directory, `${name}.zip`),
    );
    if (!isEdgeOnly(name, configuration)) continue;
    delete serverless.service.functions[name];
    if (isGenerated(artifact, serverless)) await rm(artifact, { force: true });
  }
  await writeGroups(directory, configuration);
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
  if (artifact === undefined) {
    throw new EdgeError('PACKAGE_INVALID', `functions.${name}: the framework made no package for it`, {
      field: `functions.${name}`,
    });
  }
  return path.resolve(serverless.serviceDir, artifact);
}

/** `group.json`: the operator's part of a group's definition, before things and certificates are known. */
async function writeGroups(directory: string, configuration: EdgeConfiguration): Promise<void> {
  for (const [group, entry] of Object.entries(configuration.section.groups)) {
    const target = path.join(directory, group, 'group.json');
    await mkdir(path.dirname(target), { recursive: true });
    const document = {
      group,
      core: entry.core ?? `${group}-core`,
      devices: entry.devices,
      statics: entry.functions.map((name) => ({ function: name })),
      limits: entry.limits,
    };
    await writeFile(target, `${JSON.stringify(document, null, 2)}\n`);
  }
}
