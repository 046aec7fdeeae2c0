import { transformSync } from 'esbuild';
import path from 'node:path';
import { StackTraces } from '../../../../local/dev/terminal/stackTrace';

const serviceDir = path.resolve('/service');
const unpacked = path.resolve('/state/functions/abc');
const copy = path.join(serviceDir, '.edge', 'functions', 'abc', 'plain.js');
const sources = new Set([copy, path.join(serviceDir, 'src', 'hello.ts'), path.join(serviceDir, 'plain.js')]);

const TYPESCRIPT = `interface Event { fail: boolean }

export const handler = async (event: Event): Promise<string> => {
  if (event.fail) throw new TypeError('no such luck');
  return 'fine';
};
`;

function compiled(sourcemap: 'inline' | 'external') {
  const sourcefile = '../../../src/hello.ts';
  const { code, map } = transformSync(TYPESCRIPT, { loader: 'ts', format: 'cjs', sourcemap, sourcefile });
  const line = code.split('\n').findIndex((text) => text.includes('new TypeError')) + 1;
  const column = (code.split('\n')[line - 1] ?? '').indexOf('new TypeError') + 1;
  return { code, map, place: `${path.join(unpacked, 'src', 'hello.js')}:${line}:${column}` };
}

function resolved(files: Record<string, string>, trace: string[]): string[] {
  const read = (file: string): string | undefined => files[file];
  return new StackTraces({ serviceDir, read, exists: (file) => sources.has(file) }).resolve(trace);
}

const bundle = path.join(unpacked, 'src', 'hello.js');

it('names the place in the source through a map inside the bundle', () => {
  const { code, place } = compiled('inline');
  expect(resolved({ [bundle]: code }, ['TypeError: no such luck', `    at handler (${place})`])).toEqual([
    'TypeError: no such luck',
    `    at handler (${path.join('src', 'hello.ts')}:4:25)`,
  ]);
});

it('names it through a map beside the bundle, and for a frame without a name', () => {
  const { code, map, place } = compiled('external');
  const files = { [bundle]: `${code}\n//# sourceMappingURL=hello.js.map\n`, [`${bundle}.map`]: map };
  expect(resolved(files, [`    at async file://${place}`])).toEqual([
    `    at async ${path.join('src', 'hello.ts')}:4:25`,
  ]);
});

it('names the file of the service where there is no map', () => {
  const place = path.join(unpacked, 'plain.js');
  expect(resolved({ [place]: 'boom()' }, [`    at handler (${place}:1:2)`])).toEqual([
    '    at handler (plain.js:1:2)',
  ]);
});

it('names the file of the service for a copy of it below a folder with a dot', () => {
  expect(resolved({}, [`    at handler (${copy}:1:2)`])).toEqual(['    at handler (plain.js:1:2)']);
});

it('leaves a broken map, and what is no frame, as they are', () => {
  const place = path.join(unpacked, 'other.js');
  const files = { [place]: '//# sourceMappingURL=data:application/json;base64,bm9uc2Vuc2U=' };
  const trace = [
    'Error: at the end (x:1:2)',
    `    at handler (${place}:1:2)`,
    '    at new Promise (<anonymous>)',
  ];
  expect(resolved(files, trace)).toEqual(trace);
});

it('leaves out frames of Node and of what runs the function', () => {
  const foreign = [
    '    at node:internal/process/task_queues:95:5',
    '    at call (/x/dist/edge/functionProcess.cjs:1:2)',
  ];
  expect(resolved({}, ['Error: x', ...foreign])).toEqual(['Error: x']);
});
