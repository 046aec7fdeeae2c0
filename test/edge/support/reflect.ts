/** What `tsyringe` inside `@peculiar/x509` asks of `Reflect` when it is loaded; import before it. */
const target = Reflect as unknown as Record<string, unknown>;
const all = new WeakMap<object, Map<unknown, unknown>>();

function define(key: unknown, value: unknown, on: object): void {
  all.set(on, (all.get(on) ?? new Map<unknown, unknown>()).set(key, value));
}

target['defineMetadata'] ??= define;
target['getOwnMetadata'] ??= (key: unknown, on: object) => all.get(on)?.get(key);
target['getMetadata'] ??= (key: unknown, on: object) => all.get(on)?.get(key);
target['metadata'] ??= (key: unknown, value: unknown) => (on: object) => define(key, value, on);

export {};
