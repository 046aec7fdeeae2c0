// Builds every bundle of the product into dist/ and device/dist/, which hold nothing else afterwards.
// Deterministic: same source, same bytes.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ZipFile } from 'yazl';
import { Output } from './output.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const output = new Output();

/** zod re-exports its messages in every language, which would be a third of each bundle; it uses English itself. */
const englishOnly = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export {};' }));
  },
};

const node = {
  bundle: true,
  plugins: [englishOnly],
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  sourcemap: false,
  legalComments: 'none',
  logLevel: 'warning',
  mainFields: ['module', 'main'],
  absWorkingDir: root,
  write: false,
};

/** For what nobody reads on the machine that it runs on; names in stack traces stay. */
const small = { minify: true, keepNames: true };

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

function zip(contents, entry) {
  const archive = new ZipFile();
  archive.addBuffer(contents, entry, { mtime: FIXED_DATE, mode: 0o100644, forceDosTimestamp: true });
  archive.end();
  return buffer(archive.outputStream);
}

async function buildHandlers() {
  const lambdas = (await readdir(at('handlers/lambda'))).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('_'),
  );
  const { outputFiles } = await build({
    ...node,
    entryPoints: lambdas.map((file) => ({
      in: at('handlers/lambda', file),
      out: `${path.basename(file, '.ts')}/index`,
    })),
    outdir: at('dist/handlers'),
    target: 'node22',
    ...small,
  });
  for (const { path: file, contents } of outputFiles) {
    await output.write(file, contents);
    await output.write(`${path.dirname(file)}.zip`, await zip(Buffer.from(contents), 'index.js'));
  }
}

async function bundle(source, out, options = {}) {
  if (!existsSync(at(source))) return;
  const entry = { entryPoints: [at(source)], outfile: at(out) };
  const { outputFiles } = await build({ ...node, external, ...entry, ...options });
  for (const { path: file, contents } of outputFiles) await output.write(file, contents);
}

/** Lambda functions of a Greengrass V1 core, which runs Node 12 at most and has two modules of its own. */
async function buildGreengrassV1() {
  for (const name of ['edgeCoreMonitor', 'handleDeviceRequest', 'edgeRemoteExecution']) {
    const { outputFiles } = await build({
      ...node,
      entryPoints: [at(`edge/platforms/greengrass/functions/${name}.ts`)],
      outfile: at(`dist/edge/greengrass/${name}.js`),
      target: 'node12',
      ...small,
      external: ['aws-greengrass-common-js', 'aws-greengrass-ipc-sdk-js'],
      alias: { 'node:fs/promises': at('edge/platforms/greengrass/node12FsPromises.ts') },
    });
    const { contents } = outputFiles[0];
    const target = at(`dist/edge/greengrass/${name}.zip`);
    await output.write(target, await zip(Buffer.from(contents), 'index.js'));
  }
}

/** Declarations; false when they cannot be made. */
function buildTypes() {
  const compiler = [at('node_modules/typescript/bin/tsc'), '-p', at('device/tsconfig.json')];
  for (const args of [[...compiler, '--listEmittedFiles'], [at('scripts/types.mjs')]]) {
    const { status, stdout } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      stdio: ['inherit', 'pipe', 'inherit'],
    });
    for (const [line, file] of stdout.matchAll(/^TSFILE: (.*)$|^.+$/gm)) {
      if (file === undefined) console.log(line);
      else output.made.add(path.normalize(file));
    }
    if (status !== 0) return false;
  }
  output.made.add(at('dist/types/index.d.cts'));
  return true;
}

await Promise.all([
  existsSync(at('handlers/lambda')) ? buildHandlers() : undefined,
  // The framework wants the class itself from require().
  bundle('plugin/index.ts', 'dist/plugin/index.cjs', {
    footer: { js: 'module.exports = module.exports.default;' },
  }),
  bundle('edge/platforms/standalone/main.ts', 'dist/edge/core.cjs'),
  bundle('edge/functions/process/main.ts', 'dist/edge/functionProcess.cjs'),
  bundle('edge/functions/componentHost/main.ts', 'dist/edge/componentHost.cjs'),
  bundle('edge/platforms/greengrassV2/main.ts', 'dist/edge/greengrassV2/core.cjs'),
  buildGreengrassV1(),
  bundle('local/index.ts', 'dist/local/index.cjs', small),
  bundle('local/greengrass/nucleus/main.ts', 'dist/local/nucleus.cjs', small),
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
const withTypes = !process.argv.includes('--no-types');
if (withTypes && !buildTypes()) process.exit(1);
const kept = withTypes ? [] : [at('dist/types'), at('device/dist/types')];
await output.prune(at('dist'), kept);
await output.prune(at('device/dist'), kept);
