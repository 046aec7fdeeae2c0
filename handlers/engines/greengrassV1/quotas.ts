import { EdgeError, splitFunctionKey, type WantedFunction } from '../../../protocol';
import type { GroupContent, V1Function } from './content';
import { Undeliverable } from './failures';
import { keyOfEntry } from './functions';

/** Quotas of a V1 group (AWS General Reference, "AWS IoT Greengrass V1 endpoints and quotas"). */
const QUOTAS = {
  devices: 2_500,
  functions: 200,
  resources: 200,
  subscriptions: 10_000,
} satisfies Partial<Record<keyof GroupContent, number>>;
const CLOUD_SUBSCRIPTIONS = 50;
const CORE_NAME_BYTES = 124;

/** Throws DEPLOYMENT_FAILED when the group would be over a quota, before anything is called. */
export function requireWithinQuotas(content: GroupContent, coreName: string): void {
  const fromCloud = content.subscriptions.filter(({ Source }) => Source === 'cloud');
  const counts: [what: string, count: number, quota: number][] = [
    ...Object.entries(QUOTAS).map(([kind, quota]): [string, number, number] => [
      kind,
      content[kind as keyof typeof QUOTAS].length,
      quota,
    ]),
    ['subscriptions from the cloud', fromCloud.length, CLOUD_SUBSCRIPTIONS],
    ["bytes of the core's thing name", Buffer.byteLength(coreName), CORE_NAME_BYTES],
  ];
  for (const [what, count, quota] of counts) if (count > quota) throw over(what, count, quota);
}

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
  const excess = Math.max(0, after.length - QUOTAS.functions);
  const here = functionsIn(before);
  const stay = functionsIn(after).filter(({ key }) => here.some((one) => one.key === key));
  const refused = added(wanted, here, stay).slice(0, excess);
  if (refused.length === 0) return;
  const error = over('functions', after.length, QUOTAS.functions).toJSON();
  const failures = refused.map(({ key, manifest }) => {
    const running = stay.find(({ name }) => name === manifest.name)?.version;
    return [key, { error, ...(running !== undefined && { running }) }] as const;
  });
  throw new Undeliverable(error, Object.fromEntries(failures));
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

function over(what: string, count: number, quota: number): EdgeError {
  return new EdgeError(
    'DEPLOYMENT_FAILED',
    `a Greengrass V1 group takes at most ${quota} ${what}, not ${count}`,
    {
      field: what,
      expected: `at most ${quota}`,
    },
  );
}
