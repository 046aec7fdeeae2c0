import fc from 'fast-check';
import { packageDigest } from '../../../protocol/functionPackage';
import { createFunction } from '../../../handlers/createFunction/createFunction';
import { packageOf, zipOf } from '../fixtures';
import type { Gate } from '../memory/gate';
import { fixedClock, MemoryLog } from '../memory/messages';
import { MemoryRegistry } from '../memory/registry';
import { MemoryCloud, MemoryUploads } from '../memory/uploads';

function world(gate?: Gate) {
  const ports = {
    uploads: new MemoryUploads(gate),
    registry: new MemoryRegistry(gate),
    cloud: new MemoryCloud(gate),
    clock: fixedClock,
    backoff: async () => undefined,
    log: new MemoryLog(),
  };
  const run = (...records: object[]) => createFunction({ Records: records }, ports);
  return { ...ports, run };
}

describe('createFunction', () => {
  it('stores the package by digest, registers it and says so to the uploader', async () => {
    const { uploads, registry, run } = world();
    const bytes = await packageOf({ devices: ['camera-*'], memory: 256 });
    await run(uploads.put('uploads/some dir/detect é.zip', bytes, 1000));
    const digest = packageDigest(bytes);
    expect(uploads.packages.get(digest)).toEqual(bytes);
    expect(registry.latest('detect')).toEqual({
      name: 'detect',
      version: '1.0.0',
      handler: 'index.handler',
      runtime: 'nodejs22.x',
      locations: ['edge'],
      memory: 256,
      timeout: 6,
      instances: 2,
      pinned: false,
      environment: {},
      devices: ['camera-*'],
      requires: {},
      digest,
      size: bytes.length,
      unpackedSize: expect.any(Number),
    });
    expect(uploads.resultOf('uploads/some dir/detect é.zip')).toMatchObject({
      status: 'registered',
      name: 'detect',
      version: '1.0.0',
      digest,
      changed: true,
    });
  });

  it('handles several records, and ignores what is no upload of a package', async () => {
    const { uploads, registry, run } = world();
    const a = uploads.put('uploads/a.zip', await packageOf({ name: 'a' }), 1000);
    const b = uploads.put('uploads/b.zip', await packageOf({ name: 'b' }), 1000);
    const others = ['packages/a.zip', 'uploads/a.txt'].map((key) => uploads.put(key, Buffer.from('x'), 1));
    await run(a, b, ...others, { s3: {} }, { nonsense: true });
    expect([...registry.indexes.keys()].sort()).toEqual(['a', 'b']);
    expect(uploads.results).toHaveLength(2);
    for (const event of [undefined, null, {}, { Event: 's3:TestEvent' }, { Records: 'none' }]) {
      await createFunction(event, world());
    }
  });

  it('reads the object as it is now: a late event for old content does not undo newer content', async () => {
    const { uploads, registry, run } = world();
    const [old, fresh] = [
      await packageOf({}, 'exports.handler = 1'),
      await packageOf({}, 'exports.handler = 2'),
    ];
    const first = uploads.put('uploads/detect.zip', old, 1000);
    const second = uploads.put('uploads/detect.zip', fresh, 2000);
    await run(second);
    await run(first);
    expect(registry.latest('detect')?.digest).toBe(packageDigest(fresh));
    expect(Object.keys(registry.indexes.get('detect')?.value.versions ?? {})).toEqual(['1.0.0']);
  });

  it('ends with the youngest upload, across keys, duplicates and interleavings', async () => {
    const contents = await Promise.all(['1', '2', '3'].map((n) => packageOf({}, `exports.handler = ${n}`)));
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.tuple(fc.nat(1), fc.nat(2)), { minLength: 1, maxLength: 5 }),
        async (scheduler, puts) => {
          const { uploads, registry, run } = world((label) => scheduler.schedule(Promise.resolve(), label));
          const records = puts.map(([key, content], n) =>
            uploads.put(`uploads/${key}.zip`, contents[content] ?? Buffer.alloc(0), n * 10),
          );
          await scheduler.waitFor(Promise.all([...records, ...records].map((record) => run(record))));
          const youngest = contents[puts.at(-1)?.[1] ?? 0] ?? Buffer.alloc(0);
          expect(registry.latest('detect')?.digest).toBe(packageDigest(youngest));
          expect(registry.inconsistencies()).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['PACKAGE_INVALID', async () => Buffer.from('no zip')],
    ['CONFIG_MISSING', async () => zipOf({ 'index.js': '' })],
    ['CONFIG_INVALID', async () => packageOf({ name: '../x' })],
    ['CONFIG_INVALID', async () => packageOf({ cloudFunction: 'ordinary' })],
    ['HANDLER_NOT_FOUND', async () => packageOf({ handler: 'src/app.handler' })],
  ])('refuses a package with %s, tells the uploader, and is not called again', async (code, make) => {
    const { uploads, registry, run } = world();
    await run(uploads.put('uploads/detect.zip', await make(), 1000));
    expect(uploads.resultOf('uploads/detect.zip')).toMatchObject({ status: 'refused', error: { code } });
    expect(registry.indexes.size).toBe(0);
    expect(uploads.packages.size).toBe(0);
  });

  it('refuses other content under a version that exists', async () => {
    const { uploads, registry, run } = world();
    await run(uploads.put('uploads/1.zip', await packageOf({ version: '1.4.0' }, 'a'), 1000));
    await run(uploads.put('uploads/2.zip', await packageOf({ version: '1.4.0' }, 'b'), 2000));
    expect(uploads.resultOf('uploads/2.zip')).toMatchObject({
      error: { code: 'VERSION_CONFLICT', field: 'version' },
    });
    expect(registry.latest('detect')?.version).toBe('1.4.0');
  });

  it('says nothing of an upload that is gone', async () => {
    const { uploads, run } = world();
    const record = uploads.put('uploads/detect.zip', await packageOf({}), 1000);
    uploads.objects.clear();
    await run(record);
    expect(uploads.results).toEqual([]);
  });

  it('throws a fault once the result says so, and completes when called again', async () => {
    let faulty = true;
    const { uploads, registry, run } = world(async (label) => {
      if (faulty && label.startsWith('before putIndex')) throw new Error('S3 is slow');
    });
    const good = uploads.put('uploads/detect.zip', await packageOf({}), 1000);
    await expect(run(good)).rejects.toThrow('S3 is slow');
    expect(uploads.resultOf('uploads/detect.zip')).toMatchObject({ error: { code: 'CLOUD_ERROR' } });
    faulty = false;
    await run(good);
    expect(uploads.resultOf('uploads/detect.zip')).toMatchObject({ status: 'registered', changed: true });
    expect(registry.latest('detect')?.version).toBe('1.0.0');
  });

  it('lets no upload of an event stop another', async () => {
    const { uploads, registry, run } = world(async (label) => {
      if (label === 'before putIndex a') throw new Error('fault');
    });
    const records = [
      uploads.put('uploads/a.zip', await packageOf({ name: 'a' }), 1000),
      uploads.put('uploads/b.zip', await packageOf({ name: 'b' }), 1000),
    ];
    await expect(run(...records)).rejects.toThrow('fault');
    expect(registry.latest('b')).toBeDefined();
  });
});

describe('createFunction in the cloud', () => {
  const inCloud = { locations: ['edge', 'cloud'] };

  it('publishes a Lambda version per content and moves the alias to the latest', async () => {
    const { uploads, registry, cloud, run } = world();
    await run(uploads.put('uploads/1.zip', await packageOf(inCloud, 'a'), 1000));
    await run(uploads.put('uploads/2.zip', await packageOf(inCloud, 'b'), 2000));
    expect(registry.latest('detect')?.cloud?.qualifier).toBe('2');
    expect(cloud.aliases.get('detect')).toBe('2');
    await run(uploads.put('uploads/1.zip', await packageOf(inCloud, 'a'), 3000));
    expect(cloud.aliases.get('detect')).toBe('1');
    expect(cloud.published).toHaveLength(2);
  });

  it('points the alias at the latest version under any interleaving', async () => {
    const contents = await Promise.all(['1', '2', '3'].map((n) => packageOf(inCloud, n)));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { uploads, registry, cloud, run } = world((label) =>
          scheduler.schedule(Promise.resolve(), label),
        );
        const records = contents.map((bytes, n) => uploads.put(`uploads/${n}.zip`, bytes, n * 1000));
        await scheduler.waitFor(Promise.all(records.map((record) => run(record))));
        expect(cloud.aliases.get('detect')).toBe(registry.latest('detect')?.cloud?.qualifier);
      }),
      { numRuns: 60 },
    );
  });

  it('moves the alias on when a newer upload overtook it at the last moment', async () => {
    const [old, young] = [await packageOf(inCloud, '1'), await packageOf(inCloud, '2')];
    let overtake = true;
    const { uploads, registry, cloud, run } = world(async (label) => {
      if (!overtake || label !== 'before promote detect') return;
      overtake = false;
      await run(uploads.put('uploads/young.zip', young, 2000));
      expect(cloud.aliases.get('detect')).toBe('2');
    });
    await run(uploads.put('uploads/old.zip', old, 1000));
    expect(registry.latest('detect')?.version).toBe('1.0.1');
    expect(cloud.aliases.get('detect')).toBe('2');
  });

  it('registers an ordinary Lambda function and creates none', async () => {
    const { uploads, registry, cloud, run } = world();
    const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:svc-dev-train';
    cloud.ordinary.set('svc-dev-train', functionArn);
    const bytes = await packageOf({ ...inCloud, cloudFunction: 'svc-dev-train' });
    await run(uploads.put('uploads/1.zip', bytes, 1000));
    expect(registry.latest('detect')?.cloud).toEqual({ functionArn, qualifier: '$LATEST' });
    expect(cloud.published).toEqual([]);
  });

  it('creates nothing in the cloud for a function of edges only', async () => {
    const { uploads, cloud, run } = world();
    await run(uploads.put('uploads/1.zip', await packageOf({}), 1000));
    expect([cloud.published, cloud.aliases.size]).toEqual([[], 0]);
  });
});
