import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Serverless } from '../framework';
import { greengrassV1Bundles } from '../greengrassV1';
import { bundlePath, SYSTEM_FUNCTIONS } from '../systemFunctions';
import { outputDirectory } from './outputDirectory';

/**
 * serverless-esbuild re-points every Node function's artifact at `.serverless/<basename>`, so the
 * prebuilt bundles have to lie there.
 */
export async function placeSystemBundles(serverless: Serverless): Promise<void> {
  await mkdir(outputDirectory(serverless), { recursive: true });
  const bundles = [
    ...SYSTEM_FUNCTIONS.map((name) => [name, bundlePath(name)] as const),
    ...greengrassV1Bundles(serverless),
  ];
  for (const [name, bundle] of bundles) {
    const definition = serverless.service.functions[name];
    if (definition === undefined) continue;
    const target = path.join(outputDirectory(serverless), `${name}.zip`);
    await copyFile(bundle, target);
    definition.package = { individually: true, artifact: path.relative(serverless.serviceDir, target) };
  }
}

/** Where `sls edge dev` keeps its state, private keys among it: never part of a function. */
const LOCAL_STATE = '!.edge/**';

export function excludeLocalState({ service }: Serverless): void {
  const patterns = service.package.patterns ?? [];
  if (!patterns.includes(LOCAL_STATE)) service.package.patterns = [LOCAL_STATE, ...patterns];
}
