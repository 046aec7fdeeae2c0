/**
 * The four metadata functions that `tsyringe` (inside `@peculiar/x509`) insists on when it is loaded.
 * Import before `@peculiar/x509`. A polyfill that is there already stays.
 */
type Metadata = Map<unknown, unknown>;

interface ReflectWithMetadata {
  defineMetadata?(key: unknown, value: unknown, target: object): void;
  getOwnMetadata?(key: unknown, target: object): unknown;
  getMetadata?(key: unknown, target: object): unknown;
  metadata?(key: unknown, value: unknown): (target: object, member?: PropertyKey) => void;
}

const metadataOf = new WeakMap<object, Metadata>();

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const own = metadataOf.get(target) ?? new Map<unknown, unknown>();
  metadataOf.set(target, own.set(key, value));
}

function getMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (metadataOf.get(at)?.has(key)) return metadataOf.get(at)?.get(key);
  }
  return undefined;
}

const reflect = Reflect as ReflectWithMetadata;
if (reflect.getMetadata === undefined) {
  reflect.defineMetadata = defineMetadata;
  reflect.getMetadata = getMetadata;
  reflect.getOwnMetadata = (key, target) => metadataOf.get(target)?.get(key);
  reflect.metadata = (key, value) => (target, member) => {
    if (member === undefined) defineMetadata(key, value, target);
  };
}

export {};
