import { z } from 'zod';
import { AwsError } from '../../../base/context';
import type { RestCall, RestPermission, RestRoute } from '../../../base/rest/service';
import { pageOf, readJsonBody } from '../../../base/rest/input';
import type { IotContext } from '../types';

const memberSchema = z.strictObject({
  thingGroupName: z.string().optional(),
  thingGroupArn: z.string().optional(),
  thingName: z.string().optional(),
  thingArn: z.string().optional(),
  overrideDynamicGroups: z.boolean().optional(),
});

/** Static thing groups; those with a query are not here. */
export function thingGroupRoutes({ registry, arns }: IotContext): RestRoute[] {
  const { thingGroups } = registry;
  const nameOf = (call: RestCall): string => call.params.thingGroupName ?? '';
  const onGroup =
    (action: string) =>
    (call: RestCall): RestPermission[] => [
      { action: `iot:${action}`, resource: arns.of('thinggroup', nameOf(call)) },
    ];
  const memberOf = (call: RestCall): { group: string; thing: string } => {
    const input = readJsonBody(call.body, memberSchema);
    const group = input.thingGroupName ?? input.thingGroupArn?.split('/')[1];
    const thing = input.thingName ?? input.thingArn?.split('/')[1];
    if (group !== undefined && thing !== undefined) return { group, thing };
    throw new AwsError('InvalidRequestException', 'A thing group and a thing must be named');
  };
  const onMember =
    (action: string) =>
    (call: RestCall): RestPermission[] => {
      const { group, thing } = memberOf(call);
      return [
        { action: `iot:${action}`, resource: arns.of('thinggroup', group) },
        { action: `iot:${action}`, resource: arns.of('thing', thing) },
      ];
    };

  return [
    {
      operation: 'CreateThingGroup',
      method: 'POST',
      path: '/thing-groups/{thingGroupName}',
      permissions: onGroup('CreateThingGroup'),
      handle(call) {
        const { thingGroupName } = thingGroups.create(nameOf(call));
        return {
          thingGroupName,
          thingGroupArn: arns.of('thinggroup', thingGroupName),
          thingGroupId: thingGroupName,
        };
      },
    },
    {
      operation: 'DescribeThingGroup',
      method: 'GET',
      path: '/thing-groups/{thingGroupName}',
      permissions: onGroup('DescribeThingGroup'),
      handle(call) {
        const { thingGroupName, createdAt } = thingGroups.describe(nameOf(call));
        return {
          thingGroupName,
          thingGroupArn: arns.of('thinggroup', thingGroupName),
          thingGroupId: thingGroupName,
          version: 1,
          thingGroupMetadata: { creationDate: createdAt / 1000 },
        };
      },
    },
    {
      operation: 'DeleteThingGroup',
      method: 'DELETE',
      path: '/thing-groups/{thingGroupName}',
      permissions: onGroup('DeleteThingGroup'),
      handle: (call) => thingGroups.remove(nameOf(call)),
    },
    {
      operation: 'AddThingToThingGroup',
      method: 'PUT',
      path: '/thing-groups/addThingToThingGroup',
      permissions: onMember('AddThingToThingGroup'),
      handle(call) {
        const { group, thing } = memberOf(call);
        thingGroups.add(group, thing);
      },
    },
    {
      operation: 'RemoveThingFromThingGroup',
      method: 'PUT',
      path: '/thing-groups/removeThingFromThingGroup',
      permissions: onMember('RemoveThingFromThingGroup'),
      handle(call) {
        const { group, thing } = memberOf(call);
        thingGroups.removeThing(group, thing);
      },
    },
    {
      operation: 'ListThingsInThingGroup',
      method: 'GET',
      path: '/thing-groups/{thingGroupName}/things',
      permissions: onGroup('ListThingsInThingGroup'),
      handle(call) {
        thingGroups.describe(nameOf(call));
        const all = thingGroups.members(nameOf(call));
        const page = pageOf(all, call.query);
        return { things: page.items, nextToken: page.next };
      },
    },
    {
      operation: 'ListThingGroupsForThing',
      method: 'GET',
      path: '/things/{thingName}/thing-groups',
      permissions: (call) => [
        { action: 'iot:ListThingGroupsForThing', resource: arns.of('thing', call.params.thingName ?? '') },
      ],
      handle(call) {
        const all = thingGroups.groupsOf(registry.things.describe(call.params.thingName ?? '').thingName);
        const page = pageOf(all, call.query);
        const groups = page.items.map((groupName) => ({
          groupName,
          groupArn: arns.of('thinggroup', groupName),
        }));
        return { thingGroups: groups, nextToken: page.next };
      },
    },
  ];
}
