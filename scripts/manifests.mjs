// Where the project lives is said once, by its owner: `repository` in package.json. From it this fills in
// `homepage` and `bugs` there, and all three in device/package.json. Says what is not set; with `--check`
// it exits 1 when one of the two is not as it would make it.
//
//   node scripts/manifests.mjs [--check] [<folder of the project>]
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PLACES = ['repository', 'homepage', 'bugs'];
const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const root = positionals[0] ?? path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** `github:owner/name`, `https://host/owner/name.git`, `git+ssh://git@host/owner/name.git` or `{ url }`. */
function pageOf(repository) {
  const url = typeof repository === 'string' ? repository : repository.url;
  const [, host = 'github', name] = /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+)$/.exec(url) ?? [];
  if (name !== undefined) return `https://${host}.${host === 'bitbucket' ? 'org' : 'com'}/${name}`;
  const [, rest] = /^(?:git\+)?(?:https?|ssh):\/\/(?:[^@/]+@)?(.+?)(?:\.git)?$/.exec(url) ?? [];
  if (rest === undefined) throw new Error(`repository in package.json: not the address of one: ${url}`);
  return `https://${rest}`;
}

function places(repository, directory) {
  if (repository === undefined) return {};
  const page = pageOf(repository);
  return {
    repository: { type: 'git', url: `git+${page}.git`, ...(directory && { directory }) },
    homepage: `${page}#readme`,
    bugs: `${page}/issues`,
  };
}

/** The three stand behind the licence, whether they were there or not. */
function withPlaces(manifest, found) {
  const others = Object.entries(manifest).filter(([name]) => !PLACES.includes(name));
  return Object.fromEntries(
    others.flatMap((entry) => (entry[0] === 'license' ? [entry, ...Object.entries(found)] : [entry])),
  );
}

const files = ['package.json', 'device/package.json'].map((name) => path.join(root, name));
const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
const [own, device] = texts.map((text) => JSON.parse(text));
const { repository } = own;
const wanted = [withPlaces(own, places(repository)), withPlaces(device, places(repository, 'device'))];
for (const [index, manifest] of wanted.entries()) {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  if (text === texts[index]) continue;
  if (values.check) {
    console.error(`Out of date: ${files[index]}. Run npm run docs and commit the result.`);
    process.exitCode = 1;
  } else await writeFile(files[index], text);
}
if (repository === undefined)
  console.log('Not set: repository in package.json, and so homepage and bugs of both packages.');
