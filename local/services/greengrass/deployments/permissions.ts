import type { CloudContext } from '../../../base/context';
import type { RestPermission } from '../../../base/rest/service';

/**
 * Greengrass acts on IoT with the caller's permissions: shadows for a thing, jobs for a group. Source:
 * Service Authorization Reference, "Dependent actions" of AWS IoT Greengrass V2.
 */
export function dependentPermissions(
  purpose: 'read' | 'write',
  targetArn: string,
  { region, account }: CloudContext,
): RestPermission[] {
  const [, kind] = /:(thing|thinggroup)\//.exec(targetArn) ?? [];
  const on = (resource: string, ...actions: string[]): RestPermission[] =>
    actions.map((action) => ({ action: `iot:${action}`, resource }));
  const write = purpose === 'write';
  if (kind === 'thing') {
    return on(targetArn, 'DescribeThing', 'GetThingShadow', ...(write ? ['UpdateThingShadow'] : []));
  }
  const jobs = `arn:aws:iot:${region}:${account}:job/*`;
  return [
    ...on(targetArn, 'DescribeThingGroup', ...(write ? ['CreateJob'] : [])),
    ...on(jobs, 'DescribeJob', ...(write ? ['CreateJob', 'CancelJob'] : [])),
  ];
}
