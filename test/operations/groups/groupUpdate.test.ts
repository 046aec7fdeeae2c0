import fc from 'fast-check';
import {
  hasAbsorbed,
  operatorUpdate,
  undeployUpdate,
  versionUpdate,
  type WantedGroup,
} from '../../../operations/groups/groupUpdate';
import { emptyDefinition, functionManifestSchema, nextDefinition } from '../../../protocol';

const meta = { requestId: 'r-1', receivedAt: '2026-01-01T00:00:00.000Z', operator: 'test' };
const id = (digit: string): string => digit.repeat(64);
const manifest = (name: string, version: string) =>
  functionManifestSchema.parse({
    name,
    version,
    handler: 'index.handler',
    runtime: 'nodejs22.x',
    locations: ['edge'],
    memory: 128,
    timeout: 6,
    instances: 1,
    pinned: false,
    environment: {},
    devices: ['*'],
    requires: {},
    digest: id('d'),
    size: 1,
    unpackedSize: 1,
  });
const limits = { storage: 64, memory: 256, instances: 8 };
const attic: WantedGroup = {
  group: 'attic',
  core: { thingName: 'attic-core', certificateId: id('a') },
  devices: [{ thingName: 'pump', certificateId: id('b') }],
  statics: [manifest('detect', '1.0.0')],
  limits,
};

const apply = (definition = emptyDefinition('attic'), wanted: WantedGroup = attic) => {
  const update = operatorUpdate(definition, wanted, meta);
  return { update, definition: nextDefinition(definition, update === undefined ? [] : [update]) };
};

describe('the update of an operator', () => {
  it('brings an empty group to what is wanted', () => {
    const { update, definition } = apply();
    expect(definition).toMatchObject({
      revision: 1,
      core: { thingName: 'attic-core', seq: 1 },
      devices: { pump: { certificateId: id('b'), source: 'operator', seq: 1 } },
      statics: { detect: { version: '1.0.0', seq: 1 } },
      limits: { ...limits, seq: 1 },
    });
    expect(Object.keys(definition.functions)).toEqual(['detect@1.0.0']);
    expect(update && hasAbsorbed(definition, update)).toBe(true);
    expect(update && hasAbsorbed(emptyDefinition('attic'), update)).toBe(false);
  });

  it('is nothing when nothing differs', () => {
    const { definition } = apply();
    expect(operatorUpdate(definition, attic, meta)).toBeUndefined();
  });

  it('takes away statics that are no longer wanted, and brings them back', () => {
    const { definition } = apply();
    const without = apply(definition, { ...attic, statics: [] }).definition;
    expect(without.statics['detect']).toEqual({ version: '1.0.0', removed: true, seq: 2 });
    expect(without.functions).toEqual({});
    const again = apply(without, { ...attic, statics: [manifest('detect', '1.1.0')] }).definition;
    expect(again.statics['detect']).toEqual({ version: '1.1.0', seq: 3 });
  });

  it('leaves everything alone that it does not mention', () => {
    const { definition } = apply();
    const { update, definition: next } = apply(definition, {
      group: 'attic',
      devices: [{ thingName: 'lamp', certificateId: id('c') }],
    });
    expect(Object.keys(update?.devices ?? {})).toEqual(['lamp']);
    expect(next.statics).toEqual(definition.statics);
    expect(Object.keys(next.devices).sort()).toEqual(['lamp', 'pump']);
  });

  it('admits a revoked device with a new certificate only', () => {
    const { definition } = apply();
    const revoked = {
      ...definition,
      devices: {
        pump: { certificateId: id('b'), source: 'operator' as const, seq: 5, revoked: true as const },
      },
    };
    expect(operatorUpdate(revoked, attic, meta)).toBeUndefined();
    const renewed = { ...attic, devices: [{ thingName: 'pump', certificateId: id('e') }] };
    expect(apply(revoked, renewed).definition.devices['pump']).toEqual({
      certificateId: id('e'),
      source: 'operator',
      seq: 6,
    });
  });

  it('always ends at what was wanted last', () => {
    const wanted = fc.record({
      group: fc.constant('attic'),
      devices: fc.array(
        fc.record({ thingName: fc.constantFrom('a', 'b'), certificateId: fc.constantFrom(id('1'), id('2')) }),
        { maxLength: 1 },
      ),
      statics: fc.subarray([manifest('x', '1.0.0'), manifest('y', '1.0.0')]),
    });
    fc.assert(
      fc.property(fc.array(wanted, { minLength: 1, maxLength: 6 }), (sequence) => {
        const end = sequence.reduce((state, each) => apply(state, each).definition, emptyDefinition('attic'));
        const last = sequence.at(-1);
        const running = Object.entries(end.statics).filter(([, entry]) => !entry.removed);
        expect(running.map(([name]) => name).sort()).toEqual(last?.statics.map(({ name }) => name).sort());
        for (const { thingName, certificateId } of last?.devices ?? []) {
          expect(end.devices[thingName]?.certificateId).toBe(certificateId);
        }
      }),
    );
  });
});

describe('taking a function away', () => {
  const claimed = () => {
    const { definition } = apply();
    return {
      ...definition,
      claims: {
        'pump/detect': { version: '1.0.0', seq: 7 },
        'lamp/detect': { version: '1.0.0', seq: 9 },
        'lamp/other': { version: '2.0.0', seq: 3 },
        'fan/detect': { version: '1.0.0', seq: 4, released: true as const },
      },
    };
  };

  it('releases every claim and the static entry, each one number higher', () => {
    const current = claimed();
    const update = undeployUpdate(current, { function: 'detect' }, meta);
    expect(update).toMatchObject({
      statics: { detect: { removed: true, seq: 2 } },
      claims: {
        'pump/detect': { version: '1.0.0', released: true, seq: 8 },
        'lamp/detect': { version: '1.0.0', released: true, seq: 10 },
      },
    });
    expect(Object.keys(update?.claims ?? {})).toHaveLength(2);
    const after = nextDefinition(current, update === undefined ? [] : [update]);
    expect(update && hasAbsorbed(current, update)).toBe(false);
    expect(update && hasAbsorbed(after, update)).toBe(true);
    expect(undeployUpdate(after, { function: 'detect' }, meta)).toBeUndefined();
  });

  it('of one device leaves what others and the operator have', () => {
    const update = undeployUpdate(claimed(), { function: 'detect', device: 'lamp' }, meta);
    expect(update?.statics).toEqual({});
    expect(Object.keys(update?.claims ?? {})).toEqual(['lamp/detect']);
  });

  it('is undone by the device that asks again, whose core numbers above every claim', () => {
    const current = claimed();
    const update = undeployUpdate(current, { function: 'detect', device: 'lamp' }, meta);
    const after = nextDefinition(current, update === undefined ? [] : [update]);
    const highest = Math.max(...Object.values(after.claims).map(({ seq }) => seq));
    const asked = {
      ...(update as NonNullable<typeof update>),
      requestId: 'r-2',
      claims: { 'lamp/detect': { version: '1.0.0', seq: highest + 1 } },
    };
    expect(nextDefinition(after, [asked]).claims['lamp/detect']).toEqual(asked.claims['lamp/detect']);
  });

  it('is nothing where nobody has it', () => {
    expect(undeployUpdate(claimed(), { function: 'unknown' }, meta)).toBeUndefined();
    expect(undeployUpdate(undefined, { function: 'detect' }, meta)).toBeUndefined();
  });
});

describe('the update to new versions', () => {
  const claims = {
    'pump/detect': { version: '1.0.0', seq: 3 },
    'lamp/detect': { version: '1.0.0', seq: 1, released: true as const },
    'pump/smooth': { version: '1.0.0', seq: 5 },
  };
  const before = { ...apply().definition, claims };

  it('moves claims that are live, and what is preloaded, each one number higher', () => {
    const update = versionUpdate(before, [manifest('detect', '1.0.1')], meta);
    const after = nextDefinition(before, update === undefined ? [] : [update]);
    expect(after.claims).toEqual({ ...claims, 'pump/detect': { version: '1.0.1', seq: 4 } });
    expect(after.statics).toEqual({ detect: { version: '1.0.1', seq: 2 } });
    expect(Object.keys(after.functions)).toEqual(['detect@1.0.1']);
    expect(versionUpdate(after, [manifest('detect', '1.0.1')], meta)).toBeUndefined();
  });

  it('moves back, too', () => {
    expect(versionUpdate(before, [manifest('smooth', '0.9.0')], meta)?.claims).toEqual({
      'pump/smooth': { version: '0.9.0', seq: 6 },
    });
  });

  it('is nothing where nobody uses the function', () => {
    expect(versionUpdate(before, [manifest('other', '1.0.1')], meta)).toBeUndefined();
    expect(versionUpdate(undefined, [manifest('detect', '1.0.1')], meta)).toBeUndefined();
  });
});
