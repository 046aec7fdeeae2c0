import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './run.mjs';
import { prepareService } from './service.mjs';

/** What of a package has to be the same whatever made it: the plugin's resources, groups, package names. */
export async function packageExample(example, place) {
  const { service, env } = await prepareService(example, place);
  const target = path.join(service, 'packaged');
  await run(place.node.binary, [place.framework.cli, 'package', '--package', target], { cwd: service, env });
  const template = JSON.parse(
    await readFile(path.join(target, 'cloudformation-template-update-stack.json'), 'utf8'),
  );
  return { ...resourcesOf(template), ...(await edgeFilesOf(path.join(target, 'edge'))) };
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
        // Frameworks and Node versions may compress and compile differently: of zips, the name counts.
        return [
          `edge ${path.relative(folder, file)}`,
          name.endsWith('.json') ? digest(await readFile(file, 'utf8')) : true,
        ];
      }),
    ),
  );
}

function digest(value) {
  return createHash('sha256')
    .update(typeof value === 'string' ? value : JSON.stringify(value))
    .digest('hex');
}

/** What differs between two packages of the same example, in words. */
export function differences(expected, found) {
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...names].sort().flatMap((name) => {
    if (expected[name] === found[name]) return [];
    if (found[name] === undefined) return [`${name} is missing`];
    return [expected[name] === undefined ? `${name} is too much` : `${name} differs`];
  });
}
