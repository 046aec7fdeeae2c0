import { EdgeError } from '../../../protocol';
import type { GroupContent } from './content';

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

/** How many functions a group has too many, and what to say of it. */
export function functionsOverQuota(count: number): { excess: number; error: EdgeError } {
  return {
    excess: Math.max(0, count - QUOTAS.functions),
    error: over('functions', count, QUOTAS.functions),
  };
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
