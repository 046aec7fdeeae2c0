import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../support/root';

const ROOMS = ['lib', 'protocol', 'runtime', 'handlers', 'edge', 'device', 'operations', 'plugin', 'local'];

/** Files by their path, with the files of ours that each imports, types too. */
function importGraph(): Map<string, string[]> {
  const files = ROOMS.flatMap((room) =>
    readdirSync(path.join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('node_modules') && !file.startsWith('dist'))
      .map((file) => path.join(root, room, file)),
  );
  return new Map(files.map((file) => [file, importsOf(file)]));
}

function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  // What is imported only when it is needed is no part of a circle: both modules are complete by then.
  const specifiers = [...source.matchAll(/^(?:import|export|\}) [^;]*?from '(\.[^']*)';/gms)];
  return specifiers.flatMap(([, specifier = '']) => {
    const target = path.resolve(path.dirname(file), specifier);
    return [`${target}.ts`, path.join(target, 'index.ts')].find((each) => existsSync(each)) ?? [];
  });
}

/** The first circle that is found, as a way from a file back to itself; empty when there is none. */
function circleIn(graph: Map<string, string[]>): string[] {
  const done = new Set<string>();
  const walk = (file: string, way: string[]): string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of graph.get(file) ?? []) {
      const circle = walk(next, [...way, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const circle = walk(file, []);
    if (circle.length > 0) return circle.map((each) => path.relative(root, each));
  }
  return [];
}

test('no files import each other in a circle, not even types', () => {
  const graph = importGraph();
  const ofCore = graph.get(path.join(root, 'edge', 'core.ts')) ?? [];
  expect(ofCore).toContain(path.join(root, 'edge', 'ports.ts'));
  expect(ofCore).toContain(path.join(root, 'protocol', 'index.ts'));
  expect(circleIn(graph)).toEqual([]);
});

test('a circle would be found', () => {
  const graph = new Map([
    ['/a.ts', ['/b.ts']],
    ['/b.ts', ['/c.ts']],
    ['/c.ts', ['/b.ts']],
  ]);
  expect(circleIn(graph)).toHaveLength(3);
});
