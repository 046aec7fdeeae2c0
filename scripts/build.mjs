// Builds every bundle of the product into dist/ and device/dist/. Deterministic: same source, same bytes.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { existsSync, createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ZipFile } from 'yazl';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);

const node = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  sourcemap: false,
  legalComments: 'none',
  logLevel: 'warning',
  mainFields: ['module', 'main'],
  absWorkingDir: root,
};

/** The SDK's native client and the framework stay outside of every bundle. */
const external = [
  'serverless-edge-on-demand-device',
  'prettier',
  'aws-iot-device-sdk-v2',
  'aws-crt',
  'serverless',
  'osls',
  'esbuild',
];

const FIXED_DATE = new Date(Date.UTC(2020, 0, 1));

async function zip(source, entry, target) {
  const archive = new ZipFile();
  archive.addFile(source, entry, { mtime: FIXED_DATE, mode: 0o100644, forceDosTimestamp: true });
  archive.end();
  await new Promise((resolve, reject) => {
    archive.outputStream.pipe(createWriteStream(target)).on('close', resolve).on('error', reject);
  });
}

async function buildHandlers() {
  const lambdas = (await readdir(at('handlers/lambda'))).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('_'),
  );
  await build({
    ...node,
    entryPoints: lambdas.map((file) => ({
      in: at('handlers/lambda', file),
      out: `${path.basename(file, '.ts')}/index`,
    })),
    outdir: at('dist/handlers'),
    target: 'node22',
    minify: true,
    keepNames: true,
  });
  for (const file of lambdas) {
    const name = path.basename(file, '.ts');
    await zip(at('dist/handlers', name, 'index.js'), 'index.js', at('dist/handlers', `${name}.zip`));
  }
}

async function bundle(source, out, options = {}) {
  if (!existsSync(at(source))) return;
  await build({ ...node, external, entryPoints: [at(source)], outfile: at(out), ...options });
}

await mkdir(at('dist/handlers'), { recursive: true });
await Promise.all([
  existsSync(at('handlers/lambda')) ? buildHandlers() : undefined,
  // The framework wants the class itself from require().
  bundle('plugin/index.ts', 'dist/plugin/index.cjs', {
    footer: { js: 'module.exports = module.exports.default;' },
  }),
  bundle('edge/platforms/standalone/main.ts', 'dist/edge/core.cjs'),
  bundle('edge/functions/process/main.ts', 'dist/edge/functionProcess.cjs'),
  bundle('local/index.ts', 'dist/local/index.cjs'),
  bundle('examples/demo/main.ts', 'dist/demo/main.cjs'),
  bundle('examples/demo/device.ts', 'dist/demo/device.cjs'),
  bundle('bench/main.ts', 'dist/bench/bench.cjs'),
  bundle('bench/device.ts', 'dist/bench/device.cjs'),
  bundle('bench/echo.ts', 'dist/bench/echo.cjs'),
  bundle('tools/protocolDocuments.ts', 'dist/tools/protocolDocuments.cjs'),
  bundle('test/support/deviceAgent.ts', 'dist/test/deviceAgent.cjs'),
  bundle('device/index.ts', 'device/dist/index.cjs'),
  bundle('device/index.ts', 'device/dist/index.mjs', { format: 'esm' }),
]);
if (!process.argv.includes('--no-types')) {
  for (const args of [
    [at('node_modules/typescript/bin/tsc'), '-p', at('device/tsconfig.json')],
    [at('scripts/types.mjs')],
  ]) {
    const types = spawnSync(process.execPath, args, { stdio: 'inherit' });
    if (types.status !== 0) process.exit(types.status ?? 1);
  }
}
