import { interpolate } from '../../../local/nucleus/configuration/interpolate';
import { ConfigurationStore } from '../../../local/nucleus/configuration/store';
import type { Tree } from '../../../local/nucleus/configuration/tree';

const A = 'com.example.a';
const change = (merge: Tree, more: { defaults?: Tree; reset?: string[]; at?: number } = {}) => ({
  defaults: {},
  reset: [],
  at: 100,
  merge,
  ...more,
});

describe('configuration', () => {
  let store: ConfigurationStore;
  let told: string[];
  const deploy = (...args: Parameters<typeof change>): void =>
    store.put(A, store.preview(A, change(...args)));
  beforeEach(() => {
    store = new ConfigurationStore();
    told = [];
    store.watch(A, [], (path) => told.push(path.join('.')));
  });

  it('fills in defaults, and keeps what was merged', () => {
    deploy({ a: { x: 1 } }, { defaults: { a: { x: 0, y: 0 }, b: 'default' } });
    expect(store.of(A)).toEqual({ a: { x: 1, y: 0 }, b: 'default' });
    deploy({}, { defaults: { a: { x: 5, y: 5, z: 5 }, b: 'new default' } });
    expect(store.of(A)).toEqual({ a: { x: 1, y: 0, z: 5 }, b: 'default' });
    expect(told).toEqual(['a.x', 'a.y', 'b', 'a.z']);
  });

  it('resets single keys, subtrees and all to the defaults, before it merges', () => {
    const defaults = { a: { x: 0 }, 'with/slash': 1 };
    deploy({ a: { x: 1, extra: 1 }, 'with/slash': 2, more: 1 }, { defaults });
    deploy({}, { defaults, reset: ['/a/x', '/with~1slash'] });
    expect(store.of(A)).toEqual({ a: { x: 0, extra: 1 }, 'with/slash': 1, more: 1 });
    deploy({ a: { y: 1 } }, { defaults, reset: ['/a'] });
    expect(store.of(A)).toEqual({ a: { x: 0, y: 1 }, 'with/slash': 1, more: 1 });
    deploy({ only: 1 }, { defaults, reset: [''] });
    expect(store.of(A)).toEqual({ ...defaults, only: 1 });
  });

  it('replaces lists whole, and a value by an object and back', () => {
    deploy({ list: [1, 2], value: 1 }, { at: 1 });
    deploy({ list: [3], value: { deep: true } }, { at: 2 });
    expect(store.of(A)).toEqual({ list: [3], value: { deep: true } });
    deploy({ value: 2 }, { at: 3 });
    expect(store.of(A)).toEqual({ list: [3], value: 2 });
  });

  it('does not replace a newer value', () => {
    deploy({ a: 1, b: 1 }, { at: 100 });
    expect(store.merge(A, [], { a: 2 }, 200)).toBe(true);
    deploy({ a: 3, b: 3 }, { at: 150 });
    expect(store.of(A)).toEqual({ a: 2, b: 3 });
    expect(store.merge(A, ['a'], {}, 199)).toBe(false);
  });

  it('tells only who watches that path, or one above or below it', () => {
    deploy({ a: { x: 1 }, b: 1 });
    const seen: string[] = [];
    const unwatch = store.watch(A, ['a'], (path) => seen.push(path.join('.')));
    deploy({ a: { x: 2 }, b: 2 }, { at: 200 });
    unwatch();
    deploy({ a: { x: 3 } }, { at: 300 });
    expect(seen).toEqual(['a.x']);
  });

  it('has keys that mean something to JavaScript', () => {
    deploy(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as Tree);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(store.at(A, ['__proto__', 'polluted'])).toBe(true);
    expect(store.at(A, ['toString'])).toBeUndefined();
  });
});

describe('recipe variables', () => {
  const places = (name: string, configuration: Tree) => ({
    artifacts: `/artifacts/${name}`,
    unarchived: `/unarchived/${name}`,
    work: `/work/${name}`,
    configuration,
  });
  const scope = {
    self: A,
    dependencies: ['b'],
    thingName: 'core-1',
    rootPath: '/root',
    placesOf: (name: string) =>
      ({ [A]: places(A, { text: 't', deep: { n: 1 } }), b: places('b', { own: true }), c: places('c', {}) })[
        name
      ],
  };
  it.each([
    [
      '{artifacts:path} {artifacts:decompressedPath} {work:path}',
      `/artifacts/${A} /unarchived/${A} /work/${A}`,
    ],
    ['{iot:thingName} {kernel:rootPath}', 'core-1 /root'],
    ['{configuration:/text} {configuration:/deep/n} {configuration:/deep}', 't 1 {"n":1}'],
    ['{b:work:path} {b:configuration:/own}', '/work/b true'],
    ['{c:work:path}', '{c:work:path}'],
    ['{configuration:/nothing} {unknown:x} ${HOME} {}', '{configuration:/nothing} {unknown:x} ${HOME} {}'],
  ])('%s', (text, expected) => {
    expect(interpolate(text, scope)).toBe(expected);
    expect(interpolate({ run: { Script: text, Timeout: 3 }, list: [text] }, scope)).toEqual({
      run: { Script: expected, Timeout: 3 },
      list: [expected],
    });
  });
});
