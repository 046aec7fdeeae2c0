import fc from 'fast-check';
import {
  compareVersions,
  highestMatching,
  nextPatch,
  satisfies,
  versionRangeSchema,
  versionSchema,
} from '../../protocol';

const number = fc.integer({ min: 0, max: 30 });
const version = fc
  .tuple(number, number, number, fc.option(fc.constantFrom('beta.1', 'rc.2'), { nil: undefined }))
  .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre ? `-${pre}` : ''}`);

describe('highestMatching', () => {
  it('is the highest of all without a range, pre-releases included', () => {
    fc.assert(
      fc.property(fc.array(version, { minLength: 1 }), (versions) => {
        const highest = highestMatching(versions) ?? '';
        expect(versions).toContain(highest);
        for (const other of versions) expect(compareVersions(highest, other)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('satisfies the range, and nothing higher does', () => {
    fc.assert(
      fc.property(
        fc.array(version),
        version,
        fc.constantFrom('^', '~', '>=', ''),
        (versions, base, operator) => {
          const range = operator + base;
          const highest = highestMatching(versions, range);
          const admitted = versions.filter((one) => satisfies(one, range));
          expect(highest === undefined).toBe(admitted.length === 0);
          for (const one of admitted) expect(compareVersions(highest ?? '', one)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it('finds an exact pre-release, which no range gives', () => {
    expect(highestMatching(['1.0.0', '2.0.0-beta.1'], '2.0.0-beta.1')).toBe('2.0.0-beta.1');
    expect(highestMatching(['1.0.0', '2.0.0-beta.1'], '>=1')).toBe('1.0.0');
    expect(highestMatching([], '^1')).toBeUndefined();
  });
});

describe('nextPatch', () => {
  it('is a version, and higher', () => {
    fc.assert(
      fc.property(version, (base) => {
        const next = nextPatch(base);
        expect(versionSchema.safeParse(next).success).toBe(true);
        expect(compareVersions(next, base)).toBe(1);
      }),
    );
  });

  it('is the release after a pre-release', () => {
    expect(nextPatch('1.0.0-beta.1')).toBe('1.0.0');
    expect(nextPatch('1.0.9')).toBe('1.0.10');
    expect(() => nextPatch('one')).toThrow(TypeError);
  });
});

describe('versionRangeSchema', () => {
  it.each(['1.2.3', '^1', '~2.3', '>=1 <3', '1.x', '*'])('takes %s', (range) => {
    expect(versionRangeSchema.parse(range)).toBe(range);
  });
  it.each(['', 'latest', '^one', '1'.repeat(65)])('refuses %j', (range) => {
    expect(versionRangeSchema.safeParse(range).success).toBe(false);
  });
});
