import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pathToFileURL } from 'node:url';

const MODULE = pathToFileURL(path.resolve(__dirname, '../../scripts/notices.mjs')).href;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'edge-notices-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function install(name: string, manifest: object, files: Record<string, string> = {}): Promise<string> {
  const folder = path.join(root, 'node_modules', name);
  await mkdir(folder, { recursive: true });
  const contents = { ...files, 'package.json': JSON.stringify({ name, version: '1.0.0', ...manifest }) };
  for (const [file, text] of Object.entries(contents)) await writeFile(path.join(folder, file), text);
  return `node_modules/${name}/index.js`;
}

/** The notices of a bundle with these modules, made in a process of its own, as the build runs. */
async function noticesOf(...modules: string[]): Promise<string> {
  const inputs = Object.fromEntries(modules.map((file) => [file, { bytesInOutput: 1 }]));
  return noticesOfInputs({ ...inputs, 'plugin/index.ts': { bytesInOutput: 1 } });
}

async function noticesOfInputs(inputs: object): Promise<string> {
  const program = `
    import { notices } from ${JSON.stringify(MODULE)};
    const metafile = ${JSON.stringify({ outputs: { bundle: { inputs } } })};
    console.log(await notices(${JSON.stringify(root)}, [metafile, metafile]));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  return stdout;
}

test('a licence text stands once, below all packages that it is for', async () => {
  const first = await install('@scope/first', { license: 'ISC' }, { LICENSE: 'Do as you like.\r\n' });
  const second = await install('second', { license: 'ISC' }, { 'license.md': 'Do as you like.' });
  const text = await noticesOf(second, first);
  expect(text).toContain('@scope/first 1.0.0 (ISC)\nsecond 1.0.0 (ISC)\n\nDo as you like.\n');
  expect(text.match(/Do as you like/g)).toHaveLength(1);
  expect(await noticesOf(first, second)).toBe(text);
});

test('a notice of a package goes with its licence', async () => {
  const module = await install('noted', { license: 'ISC' }, { LICENSE: 'Licence.', NOTICE: 'By somebody.' });
  expect(await noticesOf(module)).toContain('Licence.\n\nBy somebody.');
});

test('a package that names a licence and ships no text gets the standard text', async () => {
  const mit = await install('mit', { license: 'MIT', author: { name: 'Somebody' } });
  const text = await install('text', { license: 'Apache-2.0' }, { LICENSE: 'Apache License' });
  const apache = await install('apache', { license: 'Apache-2.0' });
  const notices = await noticesOf(mit, text, apache);
  expect(notices).toContain('mit 1.0.0 (MIT)\n\nMIT License\n\nCopyright (c) Somebody\n');
  expect(notices).toContain('apache 1.0.0 (Apache-2.0)\ntext 1.0.0 (Apache-2.0)\n\nApache License\n');
});

test.each([
  ['names none', {}, { LICENSE: 'Some text.' }],
  ['has no text', { license: 'BSD-3-Clause' }, {}],
])('the build fails where a bundled package %s', async (_, manifest, files) => {
  const module = await install('nameless', manifest, files);
  await expect(noticesOf(module)).rejects.toThrow('Bundled packages without a licence: nameless 1.0.0');
});

test('a package of which nothing is left in the bundle is not named', async () => {
  const shaken = await install('shaken', {});
  const notices = await noticesOfInputs({ [shaken]: { bytesInOutput: 0 } });
  expect(notices).toContain('hold no code of other packages');
});
