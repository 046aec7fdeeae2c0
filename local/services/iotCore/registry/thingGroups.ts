import { found, requireName, type RegistryStore, type ThingGroupRecord } from './store';

/** Static thing groups and who is in them. */
export interface ThingGroups {
  /** Repeating it is no error. Throws InvalidRequestException. */
  create(thingGroupName: string): ThingGroupRecord;
  /** Throws ResourceNotFoundException. */
  describe(thingGroupName: string): ThingGroupRecord;
  has(thingGroupName: string): boolean;
  list(): ThingGroupRecord[];
  /** Nothing happens when there is none. */
  remove(thingGroupName: string): void;
  /** Throws ResourceNotFoundException for the group or the thing. */
  add(thingGroupName: string, thingName: string): void;
  removeThing(thingGroupName: string, thingName: string): void;
  /** Names of its things; none for a group that does not exist. */
  members(thingGroupName: string): string[];
  groupsOf(thingName: string): string[];
}

const THING_GROUP_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;

export function createThingGroups(store: RegistryStore): ThingGroups {
  const { thingGroups, things } = store;
  return {
    create(thingGroupName) {
      requireName(thingGroupName, THING_GROUP_NAME, 'Thing group name');
      const group = thingGroups.get(thingGroupName) ?? {
        thingGroupName,
        thingNames: [],
        createdAt: Date.now(),
      };
      thingGroups.set(thingGroupName, group);
      store.save();
      return group;
    },
    describe: (name) => found(thingGroups, name, 'Thing group'),
    has: (name) => thingGroups.has(name),
    list: () => [...thingGroups.values()],
    remove(name) {
      if (thingGroups.delete(name)) store.save();
    },
    add(thingGroupName, thingName) {
      const group = found(thingGroups, thingGroupName, 'Thing group');
      found(things, thingName, 'Thing');
      if (group.thingNames.includes(thingName)) return;
      group.thingNames.push(thingName);
      store.save();
    },
    removeThing(thingGroupName, thingName) {
      const group = found(thingGroups, thingGroupName, 'Thing group');
      group.thingNames = group.thingNames.filter((name) => name !== thingName);
      store.save();
    },
    members: (name) => (thingGroups.get(name)?.thingNames ?? []).filter((thing) => things.has(thing)),
    groupsOf: (thingName) =>
      [...thingGroups.values()]
        .filter(({ thingNames }) => thingNames.includes(thingName))
        .map(({ thingGroupName }) => thingGroupName),
  };
}
