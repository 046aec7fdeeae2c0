import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageService, type PackagedService } from '../../local/dev/packaging';

const FIXTURE = join(__dirname, 'fixtures', 'scratch');

export interface ScratchService {
  packaged: PackagedService;
  stateDir: string;
  remove(): Promise<void>;
}

/** An ordinary service without this plugin, packaged by the framework's CLI in a temporary folder. */
export async function packageScratchService(): Promise<ScratchService> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-scratch-'));
  const serviceDir = join(folder, 'service');
  await cp(FIXTURE, serviceDir, { recursive: true });
  await build({
    entryPoints: [join(FIXTURE, 'handlers.ts')],
    outfile: join(serviceDir, 'handlers.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
  });
  const packaged = await packageService({ serviceDir });
  return {
    packaged,
    stateDir: join(folder, 'state'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
