import { parsePointer, valueAt, type Tree } from './tree';

/** What the variables of one component stand for. */
interface ComponentPlaces {
  artifacts: string;
  unarchived: string;
  work: string;
  configuration: Tree;
}

export interface InterpolationScope {
  self: string;
  /** Names of the component's dependencies: only theirs can be used. */
  dependencies: readonly string[];
  placesOf(component: string): ComponentPlaces | undefined;
  thingName: string;
  rootPath: string;
}

const OWN = /\{([.\w-]+):([^:}]*)\}/g;
const OF_OTHER = /\{([.\w-]+):([.\w-]+):([^:}]*)\}/g;

/**
 * Fills in the variables of recipes: `{artifacts:path}`, `{configuration:/a/b}`, `{<component>:work:path}`…
 * What stands for nothing stays as it is. Source: component recipe reference, "Recipe variables".
 */
export function interpolate<T>(value: T, scope: InterpolationScope): T {
  if (typeof value === 'string') return interpolateText(value, scope) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => interpolate(one, scope)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, interpolate(one as unknown, scope)]),
  ) as T;
}

function interpolateText(text: string, scope: InterpolationScope): string {
  return text
    .replace(
      OWN,
      (whole, namespace: string, key: string) => variable(scope, scope.self, namespace, key) ?? whole,
    )
    .replace(OF_OTHER, (whole, component: string, namespace: string, key: string) =>
      scope.dependencies.includes(component) ? (variable(scope, component, namespace, key) ?? whole) : whole,
    );
}

function variable(
  scope: InterpolationScope,
  component: string,
  namespace: string,
  key: string,
): string | undefined {
  if (namespace === 'iot') return key === 'thingName' ? scope.thingName : undefined;
  if (namespace === 'kernel') return key === 'rootPath' ? scope.rootPath : undefined;
  const places = scope.placesOf(component);
  if (places === undefined) return undefined;
  switch (`${namespace}:${key}`) {
    case 'artifacts:path':
      return places.artifacts;
    case 'artifacts:decompressedPath':
      return places.unarchived;
    case 'work:path':
      return places.work;
  }
  if (namespace !== 'configuration' || (key !== '' && !key.startsWith('/'))) return undefined;
  const value = valueAt(places.configuration, parsePointer(key));
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
