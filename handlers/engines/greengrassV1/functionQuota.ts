import { splitFunctionKey, type WantedFunction } from '../../../protocol';
import type { V1Function } from './content';
import { keyOfEntry } from './functions';
import { functionsOverQuota } from './limits';
import { Undeliverable } from './undeliverable';

/**
 * Throws Undeliverable when the group would have more functions than V1 takes: with as many of the added
 * ones as are too many, those of devices before those of the operator. Otherwise no later revision of
 * the group could be deployed, and nobody who asked would hear why.
 */
export function requireFunctionsFit(
  before: readonly V1Function[],
  after: readonly V1Function[],
  wanted: readonly WantedFunction[],
): void {
  const { excess, error } = functionsOverQuota(after.length);
  const here = functionsIn(before);
  const stay = functionsIn(after).filter(({ key }) => here.some((one) => one.key === key));
  const refused = added(wanted, here, stay).slice(0, excess);
  if (refused.length === 0) return;
  const failures = refused.map(({ key, manifest }) => {
    const running = stay.find(({ name }) => name === manifest.name)?.version;
    return [key, { error: error.toJSON(), ...(running !== undefined && { running }) }] as const;
  });
  throw new Undeliverable(error.toJSON(), Object.fromEntries(failures));
}

/** What needs room of its own: not a version in the place of one that goes. */
function added(
  wanted: readonly WantedFunction[],
  here: readonly Named[],
  stay: readonly Named[],
): WantedFunction[] {
  const isIn = (all: readonly Named[], name: string): boolean => all.some((one) => one.name === name);
  return wanted
    .filter(({ key }) => !here.some((one) => one.key === key))
    .filter(({ manifest: { name } }) => !isIn(here, name) || isIn(stay, name))
    .sort((a, b) => Number(a.static) - Number(b.static));
}

interface Named {
  key: string;
  name: string;
  version: string;
}

function functionsIn(entries: readonly V1Function[]): Named[] {
  return entries
    .flatMap((entry) => keyOfEntry(entry) ?? [])
    .map((key) => ({ key, ...splitFunctionKey(key) }));
}
