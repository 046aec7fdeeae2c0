// Packages every example with every supported framework on every supported Node, from the tarball that
// npm would publish, and starts one beside serverless-offline. One line per cell; exits 1 when one failed.
//
//   node scripts/matrix.mjs [--framework osls-4,osls-3,serverless-3] [--node 20,22,24] [--example minimal,…]
//
// What is not installed is fetched from the npm registry into a folder under the system's temporary
// directory and kept there. What cannot be had is skipped, and that is said.
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CACHE, installFramework, installNode, packPlugin, ROOT } from './matrix/install.mjs';
import { runOffline } from './matrix/offline.mjs';
import { differences, packageExample } from './matrix/packageExample.mjs';

const FRAMEWORKS = {
  'osls-4': { spec: 'project', offline: 'serverless-offline@14' },
  'osls-3': { spec: 'npm:osls@3', offline: 'serverless-offline@13' },
  'serverless-3': { spec: '3.40.0', offline: 'serverless-offline@13' },
};
const NODES = ['20', '22', '24'];
const OFFLINE_EXAMPLE = 'existing-service';

const cells = [];
const skipped = [];

async function cell(framework, node, what, run) {
  const started = performance.now();
  const problem = await run().then(
    (problems) => problems.join('; '),
    (error) => error.message,
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  cells.push({ ok: problem === '' });
  const label = `${framework.padEnd(13)} node ${node}  ${what.padEnd(18)}`;
  console.log(problem === '' ? `pass  ${label} ${seconds} s` : `FAIL  ${label} ${problem}`);
}

function skip(what, error) {
  const lines = error.message.split('\n').map((line) => line.trim());
  // npm says what is wrong in the line after its code.
  const reason =
    lines.find((line) => /^npm error (?!code|errno|syscall|A complete log)/.test(line)) ?? lines[0];
  skipped.push(what);
  console.log(`SKIPPED  ${what}: ${reason}`);
}

async function available(kind, names, install) {
  const found = [];
  for (const name of names) {
    try {
      found.push(await install(name));
    } catch (error) {
      skip(`${kind} ${name}`, error);
    }
  }
  return found;
}

async function examples() {
  const entries = await readdir(path.join(ROOT, 'examples'), { withFileTypes: true, recursive: true });
  return entries
    .filter(({ name }) => /^serverless\.(yml|ts)$/.test(name))
    .map(({ parentPath }) => path.basename(parentPath))
    .sort();
}

const list = { type: 'string' };
const { values: asked } = parseArgs({ options: { framework: list, node: list, example: list } });
const chosen = (option, all) => asked[option]?.split(',') ?? all;
const unknown = chosen('framework', []).filter((name) => !(name in FRAMEWORKS));
if (unknown.length > 0) throw new Error(`--framework ${unknown}: expected ${Object.keys(FRAMEWORKS)}`);

await mkdir(CACHE, { recursive: true });
const runs = path.join(CACHE, `run-${process.pid}`);
try {
  const plugin = await packPlugin(path.join(runs, 'plugin'));
  const nodes = await available('node', chosen('node', NODES), installNode);
  const frameworks = await available('framework', chosen('framework', Object.keys(FRAMEWORKS)), (name) =>
    installFramework(name, FRAMEWORKS[name]),
  );
  const wanted = chosen('example', await examples());
  const reference = new Map();
  for (const framework of frameworks) {
    for (const node of nodes) {
      const place = { framework, node, plugin, folder: path.join(runs, `${framework.name}-${node.major}`) };
      for (const example of wanted) {
        await cell(framework.name, node.version, example, async () => {
          const packaged = await packageExample(example, place);
          if (!reference.has(example)) reference.set(example, packaged);
          return differences(reference.get(example), packaged);
        });
      }
      if (!wanted.includes(OFFLINE_EXAMPLE)) continue;
      if (framework.offline === undefined) {
        skip(`serverless-offline beside ${framework.name}`, framework.offlineError);
        continue;
      }
      await cell(framework.name, node.version, 'serverless-offline', () =>
        runOffline(OFFLINE_EXAMPLE, place),
      );
    }
  }
} finally {
  await rm(runs, { recursive: true, force: true });
}

const failed = cells.filter(({ ok }) => !ok).length;
console.log(`\n${cells.length - failed} passed, ${failed} failed, ${skipped.length} skipped`);
if (skipped.length > 0) console.log(`NOT TESTED: ${skipped.join(', ')}`);
if (cells.length === 0) console.log('NOTHING WAS TESTED');
process.exitCode = failed > 0 || cells.length === 0 ? 1 : 0;
