// Runs test/moto where moto_server is installed; says loudly where it is not.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { common, testTimeout } from '../jest.config.mjs';
import { announce } from './announce.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const server = process.env['MOTO_SERVER'] ?? 'moto_server';

// A pyenv shim may be there without the program behind it, so that only running it tells.
if (spawnSync(server, ['--help'], { stdio: 'ignore' }).status !== 0) {
  announce([
    `SKIPPED: the deployment to moto and the engine greengrass (V1) there were NOT tested: ${server} does not run.`,
    "  pip install 'moto[server,cloudformation]', or name it in MOTO_SERVER",
  ]);
  process.exit(0);
}
const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const config = { ...common, testTimeout, rootDir: root, testMatch: ['**/test/moto/*.moto.ts'] };
const args = ['--config', JSON.stringify(config), ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, [jest, ...args], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
