import { z } from 'zod';
import { AwsError } from '../../../base/context';
import { pageOf, readJsonBody } from '../../../base/rest/input';
import { routesOf, type RestCall, type RestRoute } from '../../../base/rest/service';
import type { IotArns } from '../arns';
import { found, requireName, type RegistryStore, type ThingGroupRecord } from './store';
import type { Things } from './things';

const THING_GROUP_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;

/** Static thing groups and who is in them; those with a query are not here. */
export class ThingGroups {
  constructor(private readonly store: RegistryStore) {}

  /** Repeating it is no error. Throws InvalidRequestException. */
  create(thingGroupName: string): ThingGroupRecord {
    requireName(thingGroupName, THING_GROUP_NAME, 'Thing group name');
    const group = this.store.thingGroups.get(thingGroupName) ?? {
      thingGroupName,
      thingNames: [],
      createdAt: Date.now(),
    };
    this.store.thingGroups.set(thingGroupName, group);
    this.store.save();
    return group;
  }

  /** Throws ResourceNotFoundException. */
  describe(thingGroupName: string): ThingGroupRecord {
    return found(this.store.thingGroups, thingGroupName, 'Thing group');
  }

  has(thingGroupName: string): boolean {
    return this.store.thingGroups.has(thingGroupName);
  }

  /** Nothing happens when there is none. */
  remove(thingGroupName: string): void {
    if (this.store.thingGroups.delete(thingGroupName)) this.store.save();
  }

  /** Throws ResourceNotFoundException for the group or the thing. */
  add(thingGroupName: string, thingName: string): void {
    const { thingNames } = this.describe(thingGroupName);
    found(this.store.things, thingName, 'Thing');
    if (thingNames.includes(thingName)) return;
    thingNames.push(thingName);
    this.store.save();
  }

  /** Throws ResourceNotFoundException for the group. */
  removeThing(thingGroupName: string, thingName: string): void {
    const group = this.describe(thingGroupName);
    group.thingNames = group.thingNames.filter((name) => name !== thingName);
    this.store.save();
  }

  /** Names of its things; none for a group that does not exist. */
  members(thingGroupName: string): string[] {
    const { thingGroups, things } = this.store;
    return (thingGroups.get(thingGroupName)?.thingNames ?? []).filter((thing) => things.has(thing));
  }

  groupsOf(thingName: string): string[] {
    return [...this.store.thingGroups.values()]
      .filter(({ thingNames }) => thingNames.includes(thingName))
      .map(({ thingGroupName }) => thingGroupName);
  }
}

const memberSchema = z.strictObject({
  thingGroupName: z.string().optional(),
  thingGroupArn: z.string().optional(),
  thingName: z.string().optional(),
  thingArn: z.string().optional(),
  overrideDynamicGroups: z.boolean().optional(),
});

export function thingGroupRoutes(thingGroups: ThingGroups, things: Things, arns: IotArns): RestRoute[] {
  const route = routesOf('iot');
  const nameOf = (call: RestCall): string => call.param('thingGroupName');
  const group = (call: RestCall): string => arns.of('thinggroup', nameOf(call));
  const both = (call: RestCall): string[] => {
    const [groupName, thingName] = memberOf(call);
    return [arns.of('thinggroup', groupName), arns.of('thing', thingName)];
  };
  const summary = ({ thingGroupName }: ThingGroupRecord): Record<string, unknown> => ({
    thingGroupName,
    thingGroupArn: arns.of('thinggroup', thingGroupName),
    thingGroupId: thingGroupName,
  });

  return [
    route('CreateThingGroup', 'POST /thing-groups/{thingGroupName}', group, (call) =>
      summary(thingGroups.create(nameOf(call))),
    ),
    route('DescribeThingGroup', 'GET /thing-groups/{thingGroupName}', group, (call) => {
      const record = thingGroups.describe(nameOf(call));
      const thingGroupMetadata = { creationDate: record.createdAt / 1000 };
      return { ...summary(record), version: 1, thingGroupMetadata };
    }),
    route('DeleteThingGroup', 'DELETE /thing-groups/{thingGroupName}', group, (call) =>
      thingGroups.remove(nameOf(call)),
    ),
    route('AddThingToThingGroup', 'PUT /thing-groups/addThingToThingGroup', both, (call) =>
      thingGroups.add(...memberOf(call)),
    ),
    route('RemoveThingFromThingGroup', 'PUT /thing-groups/removeThingFromThingGroup', both, (call) =>
      thingGroups.removeThing(...memberOf(call)),
    ),
    route('ListThingsInThingGroup', 'GET /thing-groups/{thingGroupName}/things', group, (call) => {
      const { thingGroupName } = thingGroups.describe(nameOf(call));
      const { items, next } = pageOf(thingGroups.members(thingGroupName), call.query);
      return { things: items, nextToken: next };
    }),
    route(
      'ListThingGroupsForThing',
      'GET /things/{thingName}/thing-groups',
      (call) => arns.of('thing', call.param('thingName')),
      (call) => {
        const { thingName } = things.describe(call.param('thingName'));
        const { items, next } = pageOf(thingGroups.groupsOf(thingName), call.query);
        const groups = items.map((groupName) => ({ groupName, groupArn: arns.of('thinggroup', groupName) }));
        return { thingGroups: groups, nextToken: next };
      },
    ),
  ];
}

/** The names that the body gives, or those in its ARNs. */
function memberOf(call: RestCall): [thingGroupName: string, thingName: string] {
  const input = readJsonBody(call.body, memberSchema);
  const group = input.thingGroupName ?? input.thingGroupArn?.split('/')[1];
  const thing = input.thingName ?? input.thingArn?.split('/')[1];
  if (group !== undefined && thing !== undefined) return [group, thing];
  throw new AwsError('InvalidRequestException', 'A thing group and a thing must be named');
}
