import fc from 'fast-check';
import { compareVersions, EdgeError, type FunctionIndex } from '../../../protocol';
import { decideVersion, indexAfter, type UploadedVersion } from '../../../handlers/registry/decideVersion';
import { manifestOf } from '../fixtures';

const digestOf = (content: string): string => Buffer.from(content).toString('hex').padEnd(64, '0');
const timeOf = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();

const upload = (content: string, at: number, version?: string): UploadedVersion => ({
  digest: digestOf(content),
  uploadedAt: timeOf(at),
  ...(version !== undefined && { version }),
});

/** Registers without races; undefined when the upload is refused. */
function register(index: FunctionIndex | undefined, one: UploadedVersion): FunctionIndex | undefined {
  try {
    const decision = decideVersion(index, one);
    const manifest = manifestOf('detect', decision.version, { digest: one.digest });
    return indexAfter(index, decision, { manifest, uploadedAt: one.uploadedAt, registeredAt: timeOf(99) });
  } catch (error) {
    if (error instanceof EdgeError && error.code === 'VERSION_CONFLICT') return undefined;
    throw error;
  }
}

function registerAll(uploads: UploadedVersion[]): FunctionIndex | undefined {
  return uploads.reduce<FunctionIndex | undefined>((index, one) => register(index, one) ?? index, undefined);
}

const versionsOf = (index: FunctionIndex | undefined): string[] => Object.keys(index?.versions ?? {});

describe('decideVersion without a named version', () => {
  it('begins at 1.0.0 and takes the next patch when the content changes', () => {
    expect(decideVersion(undefined, upload('a', 1))).toEqual({ version: '1.0.0', latest: true });
    const index = registerAll([upload('a', 1)]);
    expect(decideVersion(index, upload('b', 2))).toEqual({ version: '1.0.1', latest: true });
  });

  it('changes nothing when the content is the latest', () => {
    const index = registerAll([upload('a', 1), upload('b', 2)]);
    expect(decideVersion(index, upload('b', 3))).toMatchObject({ version: '1.0.1', latest: true });
    const after = register(index, upload('b', 3));
    expect({ ...after, latestUploadedAt: index?.latestUploadedAt }).toEqual(index);
  });

  it('makes older content the latest again, and goes on after the highest number', () => {
    const index = registerAll([upload('a', 1), upload('b', 2), upload('a', 3)]);
    expect(index?.latest).toBe('1.0.0');
    expect(versionsOf(index)).toEqual(['1.0.0', '1.0.1']);
    expect(registerAll([upload('a', 1), upload('b', 2), upload('a', 3), upload('c', 4)])?.latest).toBe(
      '1.0.2',
    );
  });

  it('goes on after named versions, to the release after a pre-release', () => {
    expect(registerAll([upload('a', 1, '2.3.0'), upload('b', 2)])?.latest).toBe('2.3.1');
    expect(registerAll([upload('a', 1, '2.0.0-beta.1'), upload('b', 2)])?.latest).toBe('2.0.0');
  });

  it('passes over numbers that another writer holds', () => {
    expect(decideVersion(undefined, upload('a', 1), new Set(['1.0.0', '1.0.1'])).version).toBe('1.0.2');
  });

  it('refuses content that a newer upload has overtaken before it was registered', () => {
    const index = registerAll([upload('b', 2)]);
    expect(() => decideVersion(index, upload('a', 1))).toThrow(/newer upload/);
  });
});

describe('decideVersion with a named version', () => {
  it('takes the version, lower than the highest too, and makes it the latest', () => {
    expect(registerAll([upload('a', 1, '2.0.0'), upload('b', 2, '1.5.0')])?.latest).toBe('1.5.0');
  });

  it('refuses other content under a version that exists or that another writer holds', () => {
    const index = registerAll([upload('a', 1, '1.0.0')]);
    for (const run of [
      () => decideVersion(index, upload('b', 2, '1.0.0')),
      () => decideVersion(undefined, upload('b', 2, '1.0.0'), new Set(['1.0.0'])),
    ]) {
      expect(run).toThrow(expect.objectContaining({ code: 'VERSION_CONFLICT', field: 'version' }));
    }
  });

  it('registers a late upload without making it the latest', () => {
    const index = registerAll([upload('b', 2, '1.1.0'), upload('a', 1, '1.0.0')]);
    expect(index?.latest).toBe('1.1.0');
    expect(versionsOf(index).sort(compareVersions)).toEqual(['1.0.0', '1.1.0']);
  });
});

describe('any sequence of uploads', () => {
  const content = fc.constantFrom('a', 'b', 'c', 'd');
  const version = fc.constantFrom('1.0.0', '1.0.1', '1.1.0', '2.0.0');
  /** Content that names a version always names the same one: the name is part of the content. */
  const named = fc
    .dictionary(content, version)
    .chain((names) =>
      fc
        .array(content, { minLength: 1, maxLength: 8 })
        .map((contents) => contents.map((one, n) => upload(one, n, names[one]))),
    );

  it('keeps every version as it was first registered, and the latest among them', () => {
    fc.assert(
      fc.property(named, (uploads) => {
        let index: FunctionIndex | undefined;
        for (const one of uploads) {
          const next = register(index, one) ?? index;
          for (const [key, entry] of Object.entries(index?.versions ?? {})) {
            expect(next?.versions[key]).toBe(entry);
          }
          expect(versionsOf(next)).toContain(next?.latest);
          const digests = Object.values(next?.versions ?? {}).map(({ manifest }) => manifest.digest);
          expect(new Set(digests).size).toBe(digests.length);
          index = next;
        }
      }),
    );
  });

  it('ends with the youngest upload as the latest, in whatever order and how often the events come', () => {
    const unnamed = fc
      .array(content, { minLength: 1, maxLength: 6 })
      .map((contents) => contents.map((one, n) => upload(one, n)));
    const deliveries = unnamed.chain((uploads) =>
      fc
        .array(fc.constantFrom(...uploads), { maxLength: 6 })
        .chain((again) =>
          fc.shuffledSubarray([...uploads, ...again], { minLength: uploads.length + again.length }),
        )
        .map((events) => ({ uploads, events })),
    );
    fc.assert(
      fc.property(deliveries, ({ uploads, events }) => {
        const index = registerAll(events);
        expect(index?.versions[index.latest]?.manifest.digest).toBe(uploads.at(-1)?.digest);
      }),
    );
  });
});
