import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fromBufferPromise } from 'yauzl';
import { run } from './run.mjs';
import { prepareService } from './service.mjs';

/**
 * What of a package has to be the same whatever made it (the plugin's resources, groups, package names), and
 * `problems`: traces of system functions where another plugin has taken them for the service's own.
 */
export async function packageService(service, place) {
  const { folder, env } = await prepareService(service, place);
  const target = path.join(folder, 'packaged');
  await run(place.node.binary, [place.framework.cli, 'package', '--package', target], { cwd: folder, env });
  const template = JSON.parse(
    await readFile(path.join(target, 'cloudformation-template-update-stack.json'), 'utf8'),
  );
  return {
    facts: { ...resourcesOf(template), ...(await edgeFilesOf(path.join(target, 'edge'))) },
    problems: [...strangersTo(template), ...(await tracesIn(target))],
  };
}

const SYSTEM_FUNCTIONS = [
  'createFunction',
  'validateFunction',
  'handleDeploymentRequest',
  'performDeployment',
  'getGroupDefinition',
  'cloudRemoteExecution',
];
const OURS = new RegExp(
  `^(Edge|HttpApiIntegration|S3Custom)|^(${SYSTEM_FUNCTIONS.join('|')})(Lambda(Function(OnFailure)?|PermissionHttpApi)|LogGroup)$`,
  'i',
);

/** By its name on Lambda: the function of the services that runs on edges only. */
const EDGE_ONLY = /-dev-edgy\b/;

/** Resources of somebody else that name a system function: an alarm, a warmer, a role, a filter of its log. */
function strangersTo({ Resources }) {
  return Object.entries(Resources).flatMap(([id, resource]) => {
    if (OURS.test(id)) return [];
    const text = JSON.stringify(resource);
    const named = SYSTEM_FUNCTIONS.filter((name) =>
      new RegExp(`\\b${name}(Lambda|LogGroup|")`, 'i').test(text),
    );
    return [...named, ...(EDGE_ONLY.test(text) ? ['edgy'] : [])].map((name) => `${id} is about ${name}`);
  });
}

/** What bundlers and warmers have written: names are told apart from text in our own bundles. */
async function tracesIn(target) {
  const files = (await readdir(target)).filter(
    (name) => name.endsWith('.zip') && !SYSTEM_FUNCTIONS.includes(name.slice(0, -'.zip'.length)),
  );
  const found = await Promise.all(
    files.map(async (name) => {
      const text = await contentOf(path.join(target, name));
      const named = [
        ...SYSTEM_FUNCTIONS.filter((each) => text.includes(`-${each}`)),
        ...(EDGE_ONLY.test(text) ? ['edgy'] : []),
      ];
      return named.map((each) => `${name} names ${each}`);
    }),
  );
  return found.flat();
}

/** All files of a zip, one after the other. */
async function contentOf(file) {
  const zip = await fromBufferPromise(await readFile(file), { lazyEntries: true });
  const texts = [];
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    for await (const chunk of await zip.openReadStreamPromise(entry)) texts.push(chunk.toString('latin1'));
  }
  zip.close();
  return texts.join('');
}

/** Names of code objects, versions and deployments change with every packaging. */
const CHANGES = /(LambdaVersion|Deployment)[A-Za-z0-9]*$/;

function resourcesOf({ Resources, Outputs }) {
  const all = Object.entries(Resources).filter(([id]) => !CHANGES.test(id));
  const facts = all.map(([id, { Type, Properties }]) => [
    `resource ${id}`,
    id.startsWith('Edge') ? digest(Properties) : Type,
  ]);
  const outputs = Object.keys(Outputs).filter((name) => name.startsWith('Edge'));
  return Object.fromEntries([...facts, ...outputs.map((name) => [`output ${name}`, true])]);
}

async function edgeFilesOf(folder) {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((each) =>
    each.isFile(),
  );
  return Object.fromEntries(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const file = path.join(parentPath, name);
        // Frameworks and Node versions may compress and compile differently: of packages, the name counts.
        return [
          `edge ${path.relative(folder, file)}`,
          name.endsWith('.json') ? digest(withoutDigests(await readFile(file, 'utf8'))) : true,
        ];
      }),
    ),
  );
}

function withoutDigests(json) {
  return json.replace(/"(digest|size)": [^,\n]+/g, '');
}

function digest(value) {
  return createHash('sha256')
    .update(typeof value === 'string' ? value : JSON.stringify(value))
    .digest('hex');
}

/** What differs between two packages of the same service, in words. */
export function differences(expected, found) {
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...names].sort().flatMap((name) => {
    if (expected[name] === found[name]) return [];
    if (found[name] === undefined) return [`${name} is missing`];
    return [expected[name] === undefined ? `${name} is too much` : `${name} differs`];
  });
}
