/**
 * What the edge code uses and Node 12, the newest of a V1 core, does not have. With it the bundles were seen
 * to run on Node 12.22 (test/edge/platforms/greengrassV1/bundles.process.test.ts, EDGE_TEST_NODE12). It makes Node 12
 * no supported platform: its end was in 2022, and today's AWS SDKs, for one, do not run there.
 */
define(Object, 'hasOwn', (value: object, key: PropertyKey) =>
  Object.prototype.hasOwnProperty.call(value, key),
);
define(String.prototype, 'replaceAll', function (this: string, from: string | RegExp, to: string) {
  return typeof from === 'string' ? this.split(from).join(to) : this.replace(from, to);
});
for (const prototype of [Array.prototype, String.prototype] as object[]) {
  define(prototype, 'at', function (this: ArrayLike<unknown>, index: number) {
    return this[index < 0 ? this.length + index : index];
  });
}
define(Array.prototype, 'findLast', function (this: unknown[], test: (value: unknown) => boolean) {
  return [...this].reverse().find(test);
});
define(Array.prototype, 'toReversed', function (this: unknown[]) {
  return [...this].reverse();
});

function define(target: object, name: string, value: unknown): void {
  if (name in target) return;
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}

export {};
