/** Configuration is JSON; whatever is no object is a leaf. Paths are lists of keys. */
export type Tree = { [key: string]: unknown };

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function valueAt(tree: unknown, path: readonly string[]): unknown {
  let value = tree;
  for (const key of path) {
    if (!isTree(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Every leaf with its path; an empty object counts as one. */
export function leaves(value: unknown, path: readonly string[] = []): { path: string[]; value: unknown }[] {
  if (!isTree(value)) return [{ path: [...path], value }];
  const entries = Object.entries(value);
  if (entries.length === 0) return path.length === 0 ? [] : [{ path: [...path], value }];
  return entries.flatMap(([key, child]) => leaves(child, [...path, key]));
}

/** Sets a leaf, making the objects on the way; a leaf on the way gives way. */
export function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  let node = tree;
  for (const key of path.slice(0, -1)) {
    const child = Object.hasOwn(node, key) ? node[key] : undefined;
    const next = isTree(child) ? child : {};
    define(node, key, next);
    node = next;
  }
  const last = path.at(-1);
  if (last === undefined) return;
  // An empty object takes nothing away from one that is there.
  if (isTree(value) && isTree(node[last]) && Object.hasOwn(node, last)) return;
  define(node, last, structuredClone(value));
}

export function removeAt(tree: Tree, path: readonly string[]): void {
  const parent = valueAt(tree, path.slice(0, -1));
  const last = path.at(-1);
  if (isTree(parent) && last !== undefined) Reflect.deleteProperty(parent, last);
}

/** RFC 6901. The empty pointer is the whole document. */
export function parsePointer(pointer: string): string[] {
  return pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `__proto__` is a key like any other. */
function define(node: Tree, key: string, value: unknown): void {
  Object.defineProperty(node, key, { value, writable: true, enumerable: true, configurable: true });
}
