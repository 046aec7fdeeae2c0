// Packages every example, and services that are modelled on public ones with their real plugins, with every
// supported framework on every supported Node, from the tarball that npm would publish, and starts one beside
// serverless-offline. One line per cell; exits 1 when one failed.
//
//   node scripts/matrix.mjs [--quick] [--framework osls-4,osls-3,serverless-3] [--node 20,22,24 | oldest,newest]
//     [--service minimal,webpack-rest,…] [--jobs <how many at once; absent: one per processor>]
//
// --quick is what CI does: the newest and the oldest framework on this Node, over the services that have shown
// faults before. What is not installed is fetched from the npm registry, in one go, into a folder under the
// system's temporary directory and kept there. What cannot be had is skipped, and that is said.
import { mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { announce } from './announce.mjs';
import {
  CACHE,
  FRAMEWORKS,
  installFrameworks,
  installNode,
  packPlugin,
  projectFramework,
} from './matrix/install.mjs';
import { runOffline } from './matrix/offline.mjs';
import { differences, packageService } from './matrix/packageService.mjs';
import { allServices } from './matrix/service.mjs';
import { reasonOf } from './registry.mjs';

const NODES = ['20', '22', '24'];
const OFFLINE_EXAMPLE = 'existing-service';
const [OWN_NODE] = process.versions.node.split('.');
const QUICK = {
  framework: ['osls-4', 'serverless-3'],
  node: [OWN_NODE],
  service: ['existing-service', 'serverless-ts', 'typescript-rest', 'warm-and-watched', 'webpack-rest'],
};

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
  const label = `${framework.padEnd(13)} node ${node}  ${what.padEnd(28)}`;
  console.log(problem === '' ? `pass  ${label} ${seconds} s` : `FAIL  ${label} ${problem}`);
}

function skip(what, reason) {
  skipped.push(`${what}: ${reason}`);
  console.log(`SKIPPED  ${what}: ${reason}`);
}

async function nodesNamed(names) {
  const found = [];
  for (const name of names) {
    try {
      found.push(await installNode(name));
    } catch (error) {
      skip(`node ${name}`, reasonOf(error.message));
    }
  }
  return found;
}

/** Without the registry what the project itself has: its framework, and examples that need no plugin. */
async function frameworksNamed(names, services, options) {
  const plugins = [...new Set(services.flatMap((service) => service.plugins))];
  try {
    return await installFrameworks(names, plugins, options);
  } catch (error) {
    skip(`all but the project's own framework over its examples`, reasonOf(error.message));
    return names.includes('osls-4') ? [projectFramework()] : [];
  }
}

async function drain(jobs) {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
}

const list = { type: 'string' };
const { values: asked } = parseArgs({
  options: { quick: { type: 'boolean' }, framework: list, node: list, service: list, jobs: list },
});
const services = await allServices();
const everything = {
  framework: Object.keys(FRAMEWORKS),
  node: NODES,
  service: services.map(({ name }) => name),
};
const fallback = asked.quick ? QUICK : everything;
const chosen = (option) => asked[option]?.split(',') ?? fallback[option];
const majors = { oldest: NODES.at(0), newest: NODES.at(-1) };
const wanted = {
  framework: chosen('framework'),
  node: chosen('node').map((name) => majors[name] ?? name),
  service: chosen('service'),
};
for (const option of ['framework', 'service']) {
  const unknown = wanted[option].filter((name) => !everything[option].includes(name));
  if (unknown.length > 0) throw new Error(`--${option} ${unknown}: expected ${everything[option]}`);
}
const leftOut = Object.entries(everything).flatMap(([option, all]) =>
  all.filter((name) => !wanted[option].includes(name)).map((name) => `${option} ${name}`),
);
if (leftOut.length > 0) console.log(`left out, as asked: ${leftOut.join(', ')}`);

await mkdir(CACHE, { recursive: true });
const runs = path.join(CACHE, `run-${process.pid}`);
const packaging = [];
/** One after the other: each takes ports that were free a moment ago. */
const offline = [];
try {
  const plugin = await packPlugin(path.join(runs, 'plugin'));
  const tried = services.filter(({ name }) => wanted.service.includes(name));
  const startsOffline = !asked.quick && wanted.service.includes(OFFLINE_EXAMPLE);
  const nodes = await nodesNamed(wanted.node);
  const frameworks = await frameworksNamed(wanted.framework, tried, { offline: !asked.quick });
  /** Per service, the first package: all others have to be the same. */
  const reference = new Map();
  for (const framework of frameworks) {
    for (const node of nodes) {
      const place = { framework, node, plugin, folder: path.join(runs, `${framework.name}-${node.major}`) };
      const add = (jobs, what, run) => jobs.push(() => cell(framework.name, node.version, what, run));
      for (const service of tried) {
        if (service.plugins.some((name) => !(name in framework.packages))) continue;
        for (const order of service.kind === 'public' ? ['first', 'last'] : [undefined]) {
          const what = order === undefined ? service.name : `${service.name}, edge ${order}`;
          add(packaging, what, async () => {
            const { facts, problems } = await packageService({ ...service, order }, place);
            const by = `${what} with ${framework.name} on node ${node.major}`;
            if (!reference.has(service.name)) reference.set(service.name, { facts, by });
            const first = reference.get(service.name);
            const differ = differences(first.facts, facts).map((each) => `${each} (against ${first.by})`);
            return [...problems, ...differ];
          });
        }
      }
      if (startsOffline && 'serverless-offline' in framework.packages) {
        const example = services.find(({ name }) => name === OFFLINE_EXAMPLE);
        add(offline, 'serverless-offline', () => runOffline(example, place));
      }
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
