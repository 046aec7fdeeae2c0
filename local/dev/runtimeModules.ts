import { existsSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What Lambda's own Node.js runtimes have beside the package of a function. */
const SCOPES = ['@aws-sdk', '@smithy'];

/**
 * Lets the code below `folder` find the AWS SDK, as it does on Lambda, and nothing else: the SDK is the one that
 * the service has installed, if it has.
 */
export async function linkRuntimeModules(folder: string, serviceDir: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  await rm(modules, { recursive: true, force: true });
  await mkdir(modules, { recursive: true });
  const places = createRequire(join(serviceDir, 'package.json')).resolve.paths('x') ?? [];
  for (const scope of SCOPES) {
    const installed = places.map((place) => join(place, scope)).find((place) => existsSync(place));
    if (installed !== undefined) await symlink(installed, join(modules, scope), 'junction');
  }
}
