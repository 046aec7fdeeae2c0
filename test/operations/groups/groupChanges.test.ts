import { changeText, groupChanges, onDemand } from '../../../operations/groups/groupChanges';
import { emptyDefinition, type GroupDefinition } from '../../../protocol';

const id = (digit: string): string => digit.repeat(64);

const before: GroupDefinition = {
  ...emptyDefinition('attic'),
  core: { thingName: 'attic-core', certificateId: id('a'), seq: 1 },
  devices: {
    pump: { certificateId: id('b'), source: 'operator', seq: 1 },
    gone: { certificateId: id('c'), source: 'operator', seq: 2, revoked: true },
  },
  statics: { detect: { version: '1.0.0', seq: 1 }, old: { version: '1.0.0', seq: 2, removed: true } },
  claims: {
    'pump/train': { version: '2.0.0', seq: 1 },
    'pump/left': { version: '1.0.0', seq: 2, released: true },
    'gone/train': { version: '2.0.0', seq: 3 },
  },
};

describe('what changed in a group', () => {
  it('is nothing between a definition and itself', () => {
    expect(groupChanges(before, structuredClone(before))).toEqual([]);
  });

  it('is named as an operator would say it', () => {
    const after: GroupDefinition = {
      ...before,
      core: { thingName: 'attic-core', certificateId: id('d'), seq: 2 },
      devices: { ...before.devices, lamp: { certificateId: id('e'), source: 'operator', seq: 1 } },
      statics: { ...before.statics, detect: { version: '1.1.0', seq: 2 } },
      claims: { ...before.claims, 'pump/train': { version: '2.0.0', seq: 2, released: true } },
      limits: { storage: 64, memory: 128, instances: 4, seq: 1 },
    };
    expect(groupChanges(before, after).map(changeText)).toEqual([
      '~ core attic-core certificate aaaaaaaa… → certificate dddddddd…',
      '+ device lamp certificate eeeeeeee…',
      '~ detect 1.0.0 → 1.1.0',
      '- claim pump/train 2.0.0',
      '+ limits 64 MiB storage, 128 MiB memory, 4 instances',
    ]);
    expect(groupChanges(after, before).map(({ how }) => how)).toEqual([
      'changed',
      'removed',
      'changed',
      'added',
      'removed',
    ]);
  });

  it('tells what devices brought in, without those that were revoked', () => {
    expect(onDemand(before)).toEqual({ 'train@2.0.0': ['pump'] });
  });
});
