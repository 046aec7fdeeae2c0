import {
  boundedReason,
  claimedVersion,
  emptyDefinition,
  heldVersion,
  isDefinitive,
  isRolledBack,
  isSettled,
  rollbacksInForce,
  staticVersion,
  wantedFunctions,
  wantedUpTo,
  type GroupDefinition,
  type RollbackEntry,
} from '../../protocol';
import { certificateOf, manifestOf } from '../handlers/fixtures';

const error = { code: 'FUNCTION_INIT_FAILED' as const, message: 'thrown' };

function rollback(claims: number, fixed: number, fallback?: string): RollbackEntry {
  return { error, ...(fallback && { fallback }), upTo: { claims, static: fixed }, seq: 1 };
}

function definition(more: Partial<GroupDefinition>): GroupDefinition {
  const device = { source: 'core' as const, seq: 1 };
  return {
    ...emptyDefinition('plant'),
    devices: {
      a: { ...device, certificateId: certificateOf('a') },
      b: { ...device, certificateId: certificateOf('b') },
    },
    functions: Object.fromEntries(
      ['1.0.0', '1.5.0', '2.0.0'].map((version) => [`detect@${version}`, manifestOf('detect', version)]),
    ),
    ...more,
  };
}

const keysOf = (of: GroupDefinition) => wantedFunctions(of).map(({ key, devices }) => [key, ...devices]);

describe('what a group wants of a version that does not run', () => {
  const claims = { 'a/detect': { version: '2.0.0', seq: 5 }, 'b/detect': { version: '2.0.0', seq: 7 } };

  it('gives the claims that it covers the fallback, and later ones another try', () => {
    const group = definition({ claims, rollbacks: { 'detect@2.0.0': rollback(5, 0, '1.0.0') } });
    expect(keysOf(group)).toEqual([
      ['detect@1.0.0', 'a'],
      ['detect@2.0.0', 'b'],
    ]);
    expect(claimedVersion(group, 'a', 'detect')).toBe('1.0.0');
    expect(heldVersion(group, 'a', 'detect')).toBe('2.0.0');
    expect(claimedVersion(group, 'b', 'detect')).toBe('2.0.0');
    expect(isRolledBack(group, 'detect@2.0.0')).toBe(false);
  });

  it('gives nothing without a fallback', () => {
    const group = definition({ claims, rollbacks: { 'detect@2.0.0': rollback(7, 0) } });
    expect(keysOf(group)).toEqual([]);
    expect(claimedVersion(group, 'a', 'detect')).toBeUndefined();
    expect(isRolledBack(group, 'detect@2.0.0')).toBe(true);
    expect(isRolledBack(group, 'detect@1.0.0')).toBe(false);
  });

  it('covers the static by its own number', () => {
    const rollbacks = { 'detect@2.0.0': rollback(99, 3, '1.0.0') };
    const old = definition({ statics: { detect: { version: '2.0.0', seq: 3 } }, rollbacks });
    expect(keysOf(old)).toEqual([['detect@1.0.0']]);
    expect(staticVersion(old, 'detect')).toBe('1.0.0');
    const redeployed = definition({ statics: { detect: { version: '2.0.0', seq: 4 } }, rollbacks });
    expect(keysOf(redeployed)).toEqual([['detect@2.0.0']]);
    const fixed = definition({ statics: { detect: { version: '1.5.0', seq: 4 } }, rollbacks });
    expect(keysOf(fixed)).toEqual([['detect@1.5.0']]);
  });

  it('follows a fallback that failed later, and ends where two name each other', () => {
    const chain = {
      'detect@2.0.0': rollback(9, 0, '1.5.0'),
      'detect@1.5.0': rollback(9, 0, '1.0.0'),
    };
    expect(keysOf(definition({ claims, rollbacks: chain }))).toEqual([['detect@1.0.0', 'a', 'b']]);
    const circle = { ...chain, 'detect@1.5.0': rollback(9, 0, '2.0.0') };
    expect(keysOf(definition({ claims, rollbacks: circle }))).toEqual([]);
  });

  it('says up to which numbers a version is wanted, as a fallback too', () => {
    const group = definition({
      claims,
      statics: { detect: { version: '1.0.0', seq: 2 } },
      rollbacks: { 'detect@2.0.0': rollback(5, 0, '1.0.0') },
    });
    expect(wantedUpTo(group, 'detect', '2.0.0')).toEqual({ claims: 7, static: 0 });
    expect(wantedUpTo(group, 'detect', '1.0.0')).toEqual({ claims: 5, static: 2 });
    expect(wantedUpTo(group, 'detect', '1.5.0')).toBeUndefined();
  });

  it('lists those in force with who asked', () => {
    const rollbacks = {
      'detect@2.0.0': rollback(5, 0, '1.0.0'),
      'detect@1.5.0': rollback(9, 9),
      'gone@1.0.0': rollback(1, 1),
    };
    const group = definition({ claims, statics: { detect: { version: '1.5.0', seq: 2 } }, rollbacks });
    const detect = { function: 'detect', error };
    expect(rollbacksInForce(group)).toEqual([
      { ...detect, version: '2.0.0', fallback: '1.0.0', static: false, devices: ['a'] },
      { ...detect, version: '1.5.0', static: true, devices: [] },
    ]);
  });

  it('knows when a failure was taken note of', () => {
    const failure = { function: 'detect', version: '2.0.0', error, upTo: { claims: 5, static: 0 } };
    expect(isSettled(definition({ claims }), failure)).toBe(false);
    const covered = definition({ claims, rollbacks: { 'detect@2.0.0': rollback(5, 0) } });
    expect(isSettled(covered, failure)).toBe(true);
    const released = { ...claims, 'a/detect': { version: '2.0.0', seq: 8, released: true as const } };
    expect(isSettled(definition({ claims: released }), failure)).toBe(true);
  });
});

describe('reasons', () => {
  it.each([
    ['x'.repeat(100_000), 'x'],
    ['ü"\n\u0001'.repeat(50_000), 'ü"'],
    ['short', 'short'],
  ])('are bounded in bytes, with code and type', (message, beginning) => {
    const details = { errorType: 'RangeError', trace: Array(100).fill('y'.repeat(500)) as string[] };
    const bounded = boundedReason({ code: 'FUNCTION_INIT_FAILED', message, details });
    expect(Buffer.byteLength(JSON.stringify(bounded))).toBeLessThanOrEqual(512);
    expect(bounded).toMatchObject({ code: 'FUNCTION_INIT_FAILED', details: { errorType: 'RangeError' } });
    expect(bounded.message.startsWith(beginning)).toBe(true);
  });

  it.each([
    ['FUNCTION_INIT_FAILED', true],
    ['HANDLER_NOT_FOUND', true],
    ['PLATFORM_NOT_SUPPORTED', true],
    ['CLOUD_UNREACHABLE', false],
    ['EDGE_LIMIT_EXCEEDED', false],
    ['ABORTED', false],
    ['CLOSED', false],
  ] as const)('%s lies in the version: %s', (code, expected) => {
    expect(isDefinitive({ code, message: '' })).toBe(expected);
  });
});
