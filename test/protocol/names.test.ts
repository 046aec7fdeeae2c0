import fc from 'fast-check';
import {
  functionNameSchema,
  groupNameSchema,
  matchesAnyDevicePattern,
  matchesDevicePattern,
  thingNameSchema,
  versionSchema,
} from '../../protocol';

const thingName = fc.stringMatching(/^[a-zA-Z0-9:_-]{1,128}$/);

describe('names', () => {
  it('never admits what would change the meaning of a topic or an object key', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('/', '+', '#', '\0', ' ', '..', '*'),
        (text, bad) => {
          for (const schema of [thingNameSchema, functionNameSchema, groupNameSchema]) {
            expect(schema.safeParse(text + bad).success).toBe(false);
            expect(schema.safeParse(bad + text).success).toBe(false);
          }
        },
      ),
    );
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'refuses %s, which every record seems to hold',
    (name) => {
      expect(thingNameSchema.safeParse(name).success).toBe(false);
      expect(functionNameSchema.safeParse(name).success).toBe(false);
    },
  );

  it.each(['', 'x'.repeat(129), 'a/b', 'a b', 'é'])('refuses the thing name %j', (name) => {
    expect(thingNameSchema.safeParse(name).success).toBe(false);
  });

  it.each(['', '1detect', '_x', 'x'.repeat(49), 'a.b', 'a/b'])('refuses the function name %j', (name) => {
    expect(functionNameSchema.safeParse(name).success).toBe(false);
  });

  it.each(['1.0.0', '0.0.1', '10.20.30', '2.0.0-beta.1'])('takes the version %s', (version) => {
    expect(versionSchema.parse(version)).toBe(version);
  });

  it.each(['1', '1.0', 'v1.0.0', '01.0.0', '1.0.0+build', '^1.0.0', '1.0.0-', 'latest'])(
    'refuses the version %s',
    (version) => {
      expect(versionSchema.safeParse(version).success).toBe(false);
    },
  );
});

describe('device patterns', () => {
  it('match everything with "*" and themselves without wildcards', () => {
    fc.assert(
      fc.property(thingName, thingName, (name, other) => {
        expect(matchesDevicePattern('*', name)).toBe(true);
        expect(matchesDevicePattern(name, name)).toBe(true);
        expect(matchesDevicePattern(name, other)).toBe(name === other);
      }),
    );
  });

  it('match a run of characters with "*" and one with "?"', () => {
    fc.assert(
      fc.property(thingName, thingName, thingName, (head, middle, tail) => {
        expect(matchesDevicePattern(`${head}*${tail}`, head + middle + tail)).toBe(true);
        expect(matchesDevicePattern(`${head}*${tail}`, head + tail)).toBe(true);
        expect(matchesDevicePattern(`${head}?`, head + middle)).toBe(middle.length === 1);
      }),
    );
  });

  it('match as the regular expression that they stand for', () => {
    const few = fc.stringMatching(/^[ab*?]{1,8}$/);
    fc.assert(
      fc.property(few, fc.stringMatching(/^[ab]{1,10}$/), (pattern, name) => {
        const source = pattern.replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchesDevicePattern(pattern, name)).toBe(new RegExp(`^${source}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('with many stars come to an end', () => {
    // As a regular expression this would take longer than anybody waits.
    expect(matchesDevicePattern(`${'*'.repeat(127)}b`, 'a'.repeat(128))).toBe(false);
    expect(matchesDevicePattern(`${'a*'.repeat(63)}b`, 'a'.repeat(128))).toBe(false);
  });

  it('match the whole name only', () => {
    expect(matchesDevicePattern('camera', 'camera-1')).toBe(false);
    expect(matchesDevicePattern('camera', 'my-camera')).toBe(false);
    expect(matchesAnyDevicePattern(['line:*', 'camera-?'], 'camera-1')).toBe(true);
    expect(matchesAnyDevicePattern([], 'camera-1')).toBe(false);
  });
});
