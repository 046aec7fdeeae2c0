import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from '../support/root';
import { textOf, walk } from './blocks';

/** Pages and comments send nobody to what is not there. */
const files = walk('');
const pages = files.filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md');
const sources = files.filter((file) => /\.(ts|mjs|cjs|js)$/.test(file));

const rooms = new Set(files.flatMap((file) => (file.includes('/') ? file.split('/', 1) : [])));

const isThere = (name: string): boolean => existsSync(path.join(root, name));
const proseOf = (page: string): string => textOf(page).replace(/^ *```[^]*?^ *```/gm, '');

/** As GitHub makes anchors of headings. */
function anchors(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function isDead(page: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return false;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
  if (!isThere(target)) return true;
  return anchor !== undefined && target.endsWith('.md') && !anchors(target).includes(anchor);
}

/** `runtime/process/loader.ts`, but not `handlers/<function>/lambda.ts`. */
function namedPaths(page: string): string[] {
  const names = [...proseOf(page).matchAll(/`([\w.-]+\/[\w./-]+)`/g)].map(([, name = '']) => name);
  return names.filter((name) => rooms.has(name.split('/')[0] ?? '') && !name.includes('dist'));
}

test.each(pages)('%s names nothing that is not there', (page) => {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => isDead(page, link))).toEqual([]);
  expect(namedPaths(page).filter((name) => !isThere(name))).toEqual([]);
});

test('comments name no file and no page that is not there', () => {
  const dead = sources.flatMap((file) =>
    [...textOf(file).matchAll(/^\s*(?:\*|\/\*|\/\/).*$/gm)].flatMap(([comment]) =>
      [...comment.matchAll(/(?<=[\s(`])[a-z]+\/[\w./-]+\w/g)]
        .map(([name]) => name)
        .filter(
          (name) =>
            rooms.has(name.split('/')[0] ?? '') &&
            !name.includes('dist') &&
            !isThere(name) &&
            !isThere(`${name}.ts`),
        )
        .map((name) => `${file}: ${name}`),
    ),
  );
  expect(dead).toEqual([]);
});
