// Packages every example with every supported framework on every supported Node, from the tarball that
// npm would publish, and starts one beside serverless-offline. One line per cell; exits 1 when one failed.
//
//   node scripts/matrix.mjs [--framework osls-4,osls-3,serverless-3] [--node 20,22,24 | oldest,newest]
//     [--example minimal,…] [--jobs <how many at once; absent: one per processor>]
//
// What is not installed is fetched from the npm registry into a folder under the system's temporary
// directory and kept there. What cannot be had is skipped, and that is said.
import { mkdir, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { announce } from './announce.mjs';
import { CACHE, installFramework, installNode, packPlugin, ROOT } from './matrix/install.mjs';
import { runOffline } from './matrix/offline.mjs';
import { differences, packageExample } from './matrix/packageExample.mjs';
import { reasonOf } from './registry.mjs';

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
  const line = `${what}: ${reasonOf(error.message)}`;
  skipped.push(line);
  console.log(`SKIPPED  ${line}`);
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

async function drain(jobs) {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
}

const list = { type: 'string' };
const { values: asked } = parseArgs({
  options: { framework: list, node: list, example: list, jobs: list },
});
const chosen = (option, all) => asked[option]?.split(',') ?? all;
const majors = { oldest: NODES.at(0), newest: NODES.at(-1) };
const wanted = {
  framework: chosen('framework', Object.keys(FRAMEWORKS)),
  node: chosen('node', NODES).map((name) => majors[name] ?? name),
  example: chosen('example', await examples()),
};
const unknown = wanted.framework.filter((name) => !(name in FRAMEWORKS));
if (unknown.length > 0) throw new Error(`--framework ${unknown}: expected ${Object.keys(FRAMEWORKS)}`);
const leftOut = [
  ...Object.keys(FRAMEWORKS).filter((name) => !wanted.framework.includes(name)),
  ...NODES.filter((name) => !wanted.node.includes(name)).map((name) => `node ${name}`),
  ...(await examples()).filter((name) => !wanted.example.includes(name)),
];
if (leftOut.length > 0) console.log(`left out, as asked: ${leftOut.join(', ')}`);

await mkdir(CACHE, { recursive: true });
const runs = path.join(CACHE, `run-${process.pid}`);
const packaging = [];
/** One after the other: each takes ports that were free a moment ago. */
const offline = [];
try {
  const plugin = await packPlugin(path.join(runs, 'plugin'));
  const nodes = await available('node', wanted.node, installNode);
  const frameworks = await available('framework', wanted.framework, (name) =>
    installFramework(name, FRAMEWORKS[name]),
  );
  /** Per example, the first package: all others have to be the same. */
  const reference = new Map();
  for (const framework of frameworks) {
    for (const node of nodes) {
      const place = { framework, node, plugin, folder: path.join(runs, `${framework.name}-${node.major}`) };
      const add = (jobs, what, run) => jobs.push(() => cell(framework.name, node.version, what, run));
      for (const example of wanted.example) {
        add(packaging, example, async () => {
          const packaged = await packageExample(example, place);
          const by = `${framework.name} on node ${node.major}`;
          if (!reference.has(example)) reference.set(example, { packaged, by });
          const first = reference.get(example);
          return differences(first.packaged, packaged).map((problem) => `${problem} (against ${first.by})`);
        });
      }
      if (wanted.example.includes(OFFLINE_EXAMPLE) && framework.offline !== undefined) {
        add(offline, 'serverless-offline', () => runOffline(OFFLINE_EXAMPLE, place));
      }
    }
    if (wanted.example.includes(OFFLINE_EXAMPLE) && framework.offline === undefined) {
      skip(`serverless-offline beside ${framework.name}`, framework.offlineError);
    }
  }
  const jobs = Math.max(1, Number(asked.jobs ?? os.availableParallelism()));
  await Promise.all([
    drain(offline).then(() => drain(packaging)),
    ...Array.from({ length: jobs - 1 }, () => drain(packaging)),
  ]);
} finally {
  await rm(runs, { recursive: true, force: true });
}

const failed = cells.filter(({ ok }) => !ok).length;
console.log(`\n${cells.length - failed} passed, ${failed} failed, ${skipped.length} skipped`);
if (leftOut.length > 0) console.log(`left out, as asked: ${leftOut.join(', ')}`);
if (skipped.length > 0) {
  announce(['SKIPPED: of the packaging matrix NOT tested:', ...skipped.map((line) => `  ${line}`)]);
}
if (cells.length === 0) console.log('NOTHING WAS TESTED');
process.exitCode = failed > 0 || (cells.length === 0 && skipped.length === 0) ? 1 : 0;
