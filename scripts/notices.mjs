// The notices of the packages whose code is in our bundles: their licences ask that the text goes with it.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export const NOTICES = 'THIRD_PARTY_NOTICES.txt';

const RULE = `\n${'='.repeat(80)}\n\n`;
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([-.].*)?$/i;
const PACKAGE_FOLDER = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/** Folders of the packages whose code esbuild has put into outputs. */
export function bundledPackages(metafiles) {
  const outputs = metafiles.flatMap((metafile) => Object.values(metafile.outputs));
  const files = outputs.flatMap(({ inputs }) =>
    // A module that is imported and of which nothing is left does not count.
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return [...new Set(files.flatMap((file) => PACKAGE_FOLDER.exec(file)?.[0] ?? []))].sort();
}

/** Each licence text once, below the packages that it is for. Throws, with the names, when one has none. */
export async function notices(root, metafiles) {
  const folders = bundledPackages(metafiles);
  const packages = await Promise.all(folders.map((folder) => readPackage(path.join(root, folder))));
  const apache = packages.find(({ license, text }) => license === 'Apache-2.0' && text !== '')?.text;
  const idsByText = new Map();
  const unlicensed = [];
  for (const { id, license, author, text: own } of packages) {
    const text = own || standardText(license, author, apache);
    if (license === undefined || text === undefined) unlicensed.push(id);
    else idsByText.set(text, new Set(idsByText.get(text)).add(`${id} (${license})`));
  }
  if (unlicensed.length > 0) throw new Error(`Bundled packages without a licence: ${unlicensed.join(', ')}`);
  const sections = [...idsByText].map(([text, ids]) => `${[...ids].sort().join('\n')}\n\n${text}\n`).sort();
  const heading =
    sections.length === 0
      ? 'The bundles of this package hold no code of other packages.\n'
      : 'The bundles of this package hold code of the packages below, under these licences.\n';
  return [heading, ...sections].join(RULE);
}

async function readPackage(folder) {
  const { name, version, license, author } = JSON.parse(
    await readFile(path.join(folder, 'package.json'), 'utf8'),
  );
  const files = (await readdir(folder)).filter((file) => LICENCE_FILE.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  const text = texts.map((one) => one.replaceAll('\r\n', '\n').trim()).join('\n\n');
  return { id: `${name} ${version}`, license, author: author?.name ?? author, text };
}

/** For a package that names its licence and ships no text; `apache` is the text as another package ships it. */
function standardText(license, author, apache) {
  if (license === 'Apache-2.0') return apache;
  if (license === 'MIT' && author !== undefined) return `MIT License\n\nCopyright (c) ${author}\n\n${MIT}`;
  return undefined;
}

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
