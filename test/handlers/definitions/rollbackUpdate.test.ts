import { rollbackUpdate, type FailedVersion } from '../../../handlers/definitions/rollbackUpdate';
import { nextDefinition, storedUpdateSchema, wantedFunctions, type GroupDefinition } from '../../../protocol';
import { manifestOf, plant } from '../fixtures';

const meta = {
  requestId: 'r-1',
  receivedAt: '2026-01-02T03:04:05.000Z',
  origin: { kind: 'core' as const, name: 'core-1' },
};
const error = { code: 'FUNCTION_INIT_FAILED' as const, message: 'thrown' };
const failed: FailedVersion = { function: 'detect', version: '2.0.0', error };

/** camera-1 claims 2.0.0 and the operator has it as a static. */
function group(more: Partial<GroupDefinition> = {}): GroupDefinition {
  return plant({
    claims: { 'camera-1/detect': { version: '2.0.0', seq: 5 } },
    statics: { detect: { version: '2.0.0', seq: 3 } },
    functions: { 'detect@2.0.0': manifestOf('detect', '2.0.0') },
    ...more,
  });
}

const after = (base: GroupDefinition, ...failures: FailedVersion[]) =>
  nextDefinition(base, [rollbackUpdate(base, failures, meta)]);

describe('rollbackUpdate', () => {
  it('rolls claims and static back to the last good version, whose manifest rides along', () => {
    const update = rollbackUpdate(group(), [{ ...failed, fallback: manifestOf('detect', '1.0.0') }], meta);
    expect(storedUpdateSchema.parse(update)).toMatchObject({ ...meta, group: 'plant' });
    const next = nextDefinition(group(), [update]);
    expect(next.revision).toBe(2);
    expect(wantedFunctions(next)).toMatchObject([
      { key: 'detect@1.0.0', static: true, devices: ['camera-1'] },
    ]);
    expect(next.rollbacks).toEqual({
      'detect@2.0.0': { error, fallback: '1.0.0', upTo: { claims: 5, static: 3 }, seq: 1 },
    });
    expect(Object.keys(next.functions).sort()).toEqual(['detect@1.0.0', 'detect@2.0.0']);
  });

  it('rolls back to nothing when no version is known to be good', () => {
    expect(wantedFunctions(after(group(), failed))).toEqual([]);
  });

  it('changes nothing when the same failure comes again, or one of a version that is not wanted', () => {
    const once = after(group(), failed);
    expect(after(once, failed)).toBe(once);
    expect(rollbackUpdate(group(), [{ ...failed, version: '9.9.9' }], meta).rollbacks).toEqual({});
  });

  it('covers no more than it failed for, and never what the definition does not have yet', () => {
    const reach = (claims: number, fixed: number) =>
      rollbackUpdate(group(), [{ ...failed, upTo: { claims, static: fixed } }], meta).rollbacks?.[
        'detect@2.0.0'
      ]?.upTo;
    expect(reach(5, 2)).toEqual({ claims: 5, static: 2 });
    expect(reach(1e15, 1e15)).toEqual({ claims: 5, static: 3 });
  });

  it('is superseded by a later confirm and a redeploy, and covers them when they fail too', () => {
    const once = after(group(), { ...failed, fallback: manifestOf('detect', '1.0.0') });
    const asked: GroupDefinition = { ...once, claims: { 'camera-1/detect': { version: '2.0.0', seq: 6 } } };
    expect(wantedFunctions(asked).map(({ key }) => key)).toEqual(['detect@1.0.0', 'detect@2.0.0']);
    const again = after(asked, failed);
    // Who found out this time does not know what ran before.
    expect(again.rollbacks?.['detect@2.0.0']).toMatchObject({
      fallback: '1.0.0',
      upTo: { claims: 6, static: 3 },
      seq: 2,
    });
    expect(wantedFunctions(again).map(({ key }) => key)).toEqual(['detect@1.0.0']);
  });

  it('bounds the reason', () => {
    const long = { ...error, message: 'x'.repeat(50_000) };
    const { rollbacks } = rollbackUpdate(group(), [{ ...failed, error: long }], meta);
    expect(JSON.stringify(rollbacks).length).toBeLessThan(1_000);
  });
});
