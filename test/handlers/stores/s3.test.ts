import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { emptyDefinition, keys, MAX_PACKAGE_BYTES, mergeUpdates } from '../../../protocol';
import { packageDigest } from '../../../protocol/functionPackage';
import { S3DeploymentRecords } from '../../../handlers/stores/deploymentRecords';
import { S3Packages } from '../../../handlers/stores/packages';
import { S3Documents } from '../../../handlers/stores/s3Documents';
import { S3Uploads } from '../../../handlers/stores/uploads';
import { S3Definitions } from '../../../handlers/stores/s3Definitions';
import { S3Requests } from '../../../handlers/stores/s3Requests';
import { DirectEngine } from '../../../handlers/engines/direct/engine';
import { performDeployment } from '../../../handlers/performDeployment/performDeployment';
import { S3Registry } from '../../../handlers/stores/s3Registry';
import { REGION, startS3, type Harness } from '../../local/services/s3/harness';
import { refused } from '../expectCode';
import { manifestOf, plant, storedUpdate } from '../fixtures';
import { fixedClock, MemoryCoreMessages, MemoryLog } from '../memory/messages';

/** The adapters over S3's wire protocol: SDK client, local cloud. */
let harness: Harness;
let s3: S3Client;
let documents: S3Documents;
let buckets = 0;
let bucket: string;

beforeAll(async () => {
  harness = await startS3();
  const { accessKeyId, secretAccessKey } = harness.iam.operator;
  s3 = new S3Client({
    endpoint: harness.s3.url,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
});
afterAll(async () => {
  s3.destroy();
  await harness.close();
});
beforeEach(async () => {
  bucket = `bucket-${++buckets}`;
  await harness.s3.createBucket(bucket);
  documents = new S3Documents(s3, bucket, async () => undefined);
});

describe('S3Documents', () => {
  it('writes under a condition, and says when it does not hold', async () => {
    expect(await documents.put('a', '1', { ifAbsent: true })).toBe(true);
    expect(await documents.put('a', '2', { ifAbsent: true })).toBe(false);
    const first = await documents.get('a');
    expect(first?.text).toBe('1');
    expect(await documents.put('a', '3', { ifMatch: first?.etag ?? '' })).toBe(true);
    expect(await documents.put('a', '4', { ifMatch: first?.etag ?? '' })).toBe(false);
    expect((await documents.get('a'))?.text).toBe('3');
    expect(await documents.put('missing', '5', { ifMatch: '"x"' })).toBe(false);
    expect(await documents.put('a', '6')).toBe(true);
  });

  it('lets exactly one of many concurrent writers win', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => documents.put('race', String(n), { ifAbsent: true })),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  it('lists more than one page, and folders', async () => {
    const names = Array.from({ length: 1010 }, (_, n) => `list/${String(n % 2)}/${n}.json`);
    await Promise.all(names.map((name) => harness.s3.putObject(bucket, name, '{}')));
    expect((await documents.list('list/')).keys.sort()).toEqual(names.sort());
    expect((await documents.list('list/', '/')).prefixes).toEqual(['list/0/', 'list/1/']);
    expect(await documents.list('nothing/')).toEqual({ keys: [], prefixes: [] });
  });

  it('throws what is a fault: no bucket', async () => {
    const nowhere = new S3Documents(s3, 'no-such-bucket', async () => undefined);
    await expect(nowhere.get('a')).rejects.toThrow(expect.objectContaining({ name: 'NoSuchBucket' }));
    await expect(nowhere.put('a', '1', { ifAbsent: true })).rejects.toThrow(
      expect.objectContaining({ name: 'NoSuchBucket' }),
    );
  });
});

describe('S3Registry', () => {
  const index = (latest: string) => ({
    format: 1 as const,
    name: 'detect',
    latest,
    versions: {
      [latest]: { manifest: manifestOf('detect', latest), registeredAt: '2026-01-01T00:00:00.000Z' },
    },
  });

  it('swaps the index only against the one that was read', async () => {
    const registry = new S3Registry(documents);
    expect(await registry.index('detect')).toBeUndefined();
    expect(await registry.putIndex(index('1.0.0'), undefined)).toBe(true);
    expect(await registry.putIndex(index('2.0.0'), undefined)).toBe(false);
    const found = await registry.index('detect');
    expect(found?.value).toEqual(index('1.0.0'));
    expect(await registry.putIndex(index('2.0.0'), found?.etag)).toBe(true);
    expect(await registry.putIndex(index('3.0.0'), found?.etag)).toBe(false);
  });

  it('keeps a version as it was first stored', async () => {
    const registry = new S3Registry(documents);
    const [first, second] = [manifestOf('detect', '1.0.0'), manifestOf('detect', '1.0.0', { memory: 512 })];
    expect(await registry.putVersion(first)).toEqual(first);
    expect(await registry.putVersion(second)).toEqual(first);
  });

  it('reports a document of the wrong form as INTERNAL', async () => {
    await documents.put(keys.functionIndex('detect'), '{"format":2}');
    await refused('INTERNAL', new S3Registry(documents).index('detect'));
  });
});

describe('S3Definitions', () => {
  it('keeps every revision readable, the latest too', async () => {
    const definitions = new S3Definitions(documents);
    expect(await definitions.read('plant')).toBeUndefined();
    expect(await definitions.write(plant({ revision: 1 }), undefined)).toBe(true);
    expect(await definitions.write(plant({ revision: 2 }), (await definitions.read('plant'))?.etag)).toBe(
      true,
    );
    // Another process, which has read nothing before.
    const { etag } = (await definitions.read('plant')) ?? {};
    expect(await new S3Definitions(documents).write(plant({ revision: 3 }), etag)).toBe(true);
    for (const revision of [1, 2, 3]) {
      expect(await definitions.readRevision('plant', revision)).toEqual(plant({ revision }));
    }
    expect(await definitions.readRevision('plant', 4)).toBeUndefined();
  });

  it('leaves no trace of a write that lost the race', async () => {
    const definitions = new S3Definitions(documents);
    await definitions.write(plant({ revision: 1 }), undefined);
    const etag = (await definitions.read('plant'))?.etag;
    const other = plant({ revision: 2, entitlements: { x: { devices: [], seq: 1 } } });
    const outcomes = await Promise.all([
      definitions.write(plant({ revision: 2 }), etag),
      new S3Definitions(documents).write(other, etag),
    ]);
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await definitions.readRevision('plant', 2)).toEqual(outcomes[0] ? plant({ revision: 2 }) : other);
    expect(await definitions.write(plant({ revision: 2 }), undefined)).toBe(false);
  });
});

describe('S3Requests', () => {
  it('stores an update once, lists it by age, and forgets it when removed', async () => {
    const requests = new S3Requests(documents, new MemoryLog());
    const at = (id: string, receivedAt: string) => storedUpdate(id, { receivedAt });
    expect(await requests.store(at('young', '2026-01-02T00:00:00.000Z'))).toBe('stored');
    expect(await requests.store(at('old', '2026-01-01T00:00:00.000Z'))).toBe('stored');
    expect(await requests.store(at('old', '2026-01-03T00:00:00.000Z'))).toBe('duplicate');
    await requests.store({ ...at('other', '2026-01-01T00:00:00.000Z'), group: 'plant-2' });
    expect(await requests.groupsWithPending()).toEqual(['plant-2', 'plant']);
    const pending = await requests.pending('plant');
    expect(pending.map(({ update }) => update.requestId)).toEqual(['old', 'young']);
    await requests.remove(pending.map(({ key }) => key));
    expect(await requests.pending('plant')).toEqual([]);
    expect(await requests.groupsWithPending()).toEqual(['plant-2']);
  });

  it.each([
    ['no JSON', '{'],
    ['another form', '{"requestId":"bad"}'],
    ['another group', JSON.stringify(storedUpdate('bad', { group: 'plant-2' }))],
  ])('puts an update with %s aside, and it blocks no other', async (_what, text) => {
    const log = new MemoryLog();
    const requests = new S3Requests(documents, log);
    await requests.store(storedUpdate('good'));
    await documents.put(keys.request('plant', 'bad'), text);
    await documents.put('requests/plant/folder/odd.json', 'x');
    expect((await requests.pending('plant')).map(({ update }) => update.requestId)).toEqual(['good']);
    expect(await documents.get(keys.request('plant', 'bad'))).toBeUndefined();
    expect((await documents.get('failures/requests/plant/bad.json'))?.text).toBe(text);
    expect(log.lines).toMatchObject([{ level: 'error', fields: { key: 'requests/plant/bad.json' } }]);
  });
});

describe('S3Uploads and S3Packages', () => {
  it('read an upload, store it by digest, and give an address from which anybody can fetch it', async () => {
    const uploads = new S3Uploads(s3, bucket);
    const bytes = Buffer.from('a package');
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'uploads/ä b.zip', Body: bytes }));
    const upload = await uploads.readUpload('uploads/ä b.zip');
    expect(upload?.bytes).toEqual(bytes);
    expect(Date.parse(upload?.uploadedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    const digest = packageDigest(bytes);
    await uploads.store(digest, bytes);
    await uploads.store(digest, bytes);
    const clock = { now: () => Date.now() };
    const location = await new S3Packages(s3, bucket, clock).locate({ digest, size: bytes.length });
    const response = await fetch(location.url);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    const lifetime = Date.parse(location.expiresAt) - Date.now();
    expect(lifetime).toBeGreaterThan(200_000);
    expect(lifetime).toBeLessThanOrEqual(300_000);
    expect((await fetch(location.url.replace(digest, '0'.repeat(64)))).status).toBe(403);
  });

  it('give nothing for an upload that is gone', async () => {
    expect(await new S3Uploads(s3, bucket).readUpload('uploads/gone.zip')).toBeUndefined();
  });

  it('refuse what is over the limit without reading it', async () => {
    const uploads = new S3Uploads(s3, bucket);
    await harness.s3.putObject(bucket, 'uploads/big.zip', Buffer.alloc(MAX_PACKAGE_BYTES + 1));
    await refused('PACKAGE_TOO_LARGE', uploads.readUpload('uploads/big.zip'));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'uploads/big.zip' }));
  });

  it('write results where the uploader looks', async () => {
    const result = { upload: 'uploads/team/a.zip', etag: '"1"', at: '2026-01-01T00:00:00.000Z' };
    const error = { code: 'CONFIG_MISSING' as const, message: 'none' };
    await new S3Uploads(s3, bucket).putResult({ status: 'refused', ...result, error });
    expect(JSON.parse((await documents.get('results/team/a.zip.json'))?.text ?? '')).toEqual({
      status: 'refused',
      ...result,
      error,
    });
  });
});

describe('performDeployment over S3', () => {
  it('absorbs the updates of many concurrent requests, and every revision stays readable', async () => {
    const messages = new MemoryCoreMessages();
    const updates = Array.from({ length: 30 }, (_, n) =>
      storedUpdate(`r-${n}`, {
        claims: { [`camera-${n}/detect`]: { version: '1.0.0', seq: n } },
        functions: { 'detect@1.0.0': manifestOf('detect', '1.0.0') },
        ...(n === 0 && plant().core && { core: plant().core }),
      }),
    );
    const process = () => {
      const own = new S3Documents(s3, bucket, async () => undefined);
      const records = new S3DeploymentRecords(own);
      return {
        definitions: new S3Definitions(own),
        requests: new S3Requests(own, new MemoryLog()),
        registry: new S3Registry(own),
        engine: new DirectEngine({ notices: messages, records, clock: fixedClock }),
        notices: messages,
        clock: fixedClock,
        backoff: async () => undefined,
        log: new MemoryLog(),
      };
    };
    const pool = Array.from({ length: 5 }, process);
    await Promise.all(
      updates.map(async (update, n) => {
        const ports = pool[n % pool.length] ?? process();
        await ports.requests.store(update);
        await performDeployment({ group: 'plant' }, ports);
      }),
    );
    const { definitions, requests, engine } = process();
    const latest = (await definitions.read('plant'))?.value ?? emptyDefinition('plant');
    expect({ ...latest, revision: 0 }).toEqual(mergeUpdates(emptyDefinition('plant'), updates));
    expect(await requests.pending('plant')).toEqual([]);
    expect(await definitions.groups()).toContain('plant');
    expect(await engine.status('plant', latest.revision)).toMatchObject({ state: 'announced' });
    for (let revision = 1; revision <= latest.revision; revision++) {
      expect((await definitions.readRevision('plant', revision))?.revision).toBe(revision);
    }
  });
});
