import { EdgeError } from '../../../protocol';
import type { GroupContent } from './content';

/** Quotas of a V1 group (AWS General Reference, "AWS IoT Greengrass V1 endpoints and quotas"). */
const QUOTAS: Partial<Record<keyof GroupContent, number>> = {
  devices: 2_500,
  functions: 200,
  resources: 50,
  subscriptions: 10_000,
};
const CORE_NAME_BYTES = 124;

/** Throws DEPLOYMENT_FAILED when the group would be over a quota, before anything is called. */
export function requireWithinQuotas(content: GroupContent, coreName: string): void {
  for (const [kind, quota] of Object.entries(QUOTAS)) {
    const count = content[kind as keyof GroupContent].length;
    if (count > quota) throw over(kind, count, quota);
  }
  const bytes = Buffer.byteLength(coreName);
  if (bytes > CORE_NAME_BYTES) throw over("bytes of the core's thing name", bytes, CORE_NAME_BYTES);
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
