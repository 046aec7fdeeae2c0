// Builds every bundle of the product into dist/ and device/dist/, which hold nothing else afterwards.
// Deterministic: same source, same bytes.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ZipFile } from 'yazl';
import { NOTICES, notices } from './notices.mjs';
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

/**
 * The code of engines, and the AWS SDK with it, is in the one function that opens an engine. Whatever else
 * reads their descriptors does without.
 */
const withoutEngines = {
  name: 'without-engines',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/engine$/ }, ({ kind, importer }) =>
      kind === 'dynamic-import' && /[\\/]engines[\\/]\w+[\\/]descriptor\.ts$/.test(importer)
        ? { external: true }
        : undefined,
    );
  },
};
const OPENS_ENGINE = 'performDeployment';

const node = {
  bundle: true,
  plugins: [englishOnly, withoutEngines],
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  sourcemap: false,
  legalComments: 'none',
  logLevel: 'warning',
  mainFields: ['module', 'main'],
  absWorkingDir: root,
  write: false,
  metafile: true,
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

/** One bundle per system function: every folder of handlers/ that has a Lambda entry. */
async function buildHandlers() {
  const folders = await readdir(at('handlers'));
  const names = folders.filter((name) => existsSync(at('handlers', name, 'lambda.ts')));
  const lambdas = (some, plugins) =>
    buildLambdas({
      plugins,
      entryPoints: some.map((name) => ({ in: at('handlers', name, 'lambda.ts'), out: `${name}/index` })),
    });
  return Promise.all([
    lambdas(
      names.filter((name) => name !== OPENS_ENGINE),
      [englishOnly, withoutEngines],
    ),
    lambdas([OPENS_ENGINE], [englishOnly]),
  ]);
}

async function buildLambdas(options) {
  const outdir = at('dist/handlers');
  const { outputFiles, metafile } = await build({ ...node, target: 'node22', outdir, ...small, ...options });
  for (const { path: file, contents } of outputFiles) {
    await output.write(file, contents);
    await output.write(`${path.dirname(file)}.zip`, await zip(Buffer.from(contents), 'index.js'));
  }
  return metafile;
}

/** `zipped`: as a Lambda package with the bundle as index.js, beside nothing else. */
async function bundle(source, out, { zipped = false, ...options } = {}) {
  const entry = { entryPoints: [at(source)], outfile: at(out) };
  const { outputFiles, metafile } = await build({ ...node, external, ...entry, ...options });
  for (const { path: file, contents } of outputFiles) {
    if (zipped)
      await output.write(file.replace(/\.js$/, '.zip'), await zip(Buffer.from(contents), 'index.js'));
    else await output.write(file, contents);
  }
  return metafile;
}

/** What runs on a platform is listed in its folder: edge/platforms/<platform>/build.mjs. */
async function buildPlatforms() {
  const folders = await readdir(at('edge/platforms'));
  const lists = folders
    .map((name) => at('edge/platforms', name, 'build.mjs'))
    .filter((file) => existsSync(file));
  const bundles = await Promise.all(
    lists.map(async (file) => (await import(pathToFileURL(file).href)).bundles({ at, small })),
  );
  return Promise.all(bundles.flat().map(({ source, out, ...options }) => bundle(source, out, options)));
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
  for (const name of ['index', 'local']) output.made.add(at(`dist/types/${name}.d.cts`));
  return true;
}

const ofNodes = Promise.all([
  buildPlatforms(),
  bundle('runtime/process/main.ts', 'dist/edge/functionProcess.cjs'),
]);
const ofPlugin = Promise.all([
  buildHandlers(),
  // The framework wants the class itself from require().
  bundle('plugin/index.ts', 'dist/plugin/index.cjs', {
    footer: { js: 'module.exports = module.exports.default;' },
  }),
  // jest runs it in a context of its own, where `import()`, of which the SDK has one, needs a flag.
  bundle('local/index.ts', 'dist/local/index.cjs', { ...small, supported: { 'dynamic-import': false } }),
  bundle('local/nucleus/main.ts', 'dist/local/nucleus.cjs', small),
  bundle('local/testing/deviceAgent.ts', 'dist/local/device.cjs', small),
  ofNodes,
]);
const ofDevice = Promise.all([
  bundle('device/index.ts', 'device/dist/index.cjs'),
  bundle('device/index.ts', 'device/dist/index.mjs', { format: 'esm' }),
]);
const unpublished = Promise.all([
  bundle('examples/demo/main.ts', 'dist/demo/main.cjs'),
  bundle('examples/demo/device.ts', 'dist/demo/device.cjs'),
  bundle('bench/main.ts', 'dist/bench/bench.cjs'),
  bundle('bench/device.ts', 'dist/bench/device.cjs'),
  bundle('bench/echo.ts', 'dist/bench/echo.cjs'),
  bundle('tools/protocolDocuments.ts', 'dist/tools/protocolDocuments.cjs'),
]);
// Those of dist/edge have a copy of their own beside them, because they are copied to nodes.
for (const [folder, metafiles] of [
  ['dist', ofPlugin],
  ['dist/edge', ofNodes],
  ['device/dist', ofDevice],
])
  await output.write(at(folder, NOTICES), await notices(root, (await metafiles).flat(Infinity)));
await unpublished;
const withTypes = !process.argv.includes('--no-types');
if (withTypes && !buildTypes()) process.exit(1);
const kept = withTypes ? [] : [at('dist/types'), at('device/dist/types')];
await output.prune(at('dist'), kept);
await output.prune(at('device/dist'), kept);
