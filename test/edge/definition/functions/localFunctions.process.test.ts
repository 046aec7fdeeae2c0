import { createFunctionHost } from '../../../../runtime/host';
import { createLocalFunctions } from '../../../../edge/definition/functions/localFunctions';
import { openPackageStore } from '../../../../runtime/packages/store';
import type { LocalFunctions } from '../../../../edge/ports';
import {
  EdgeError,
  functionKey,
  functionManifestSchema,
  type FunctionConfig,
  type PackageLocation,
  type WantedFunction,
} from '../../../../protocol';
import { packageDigest } from '../../../../protocol/functionPackage';
import { buildProcessScript, Gate, silent, temporaryFolder, zipOf } from '../../../runtime/support';

let processScript: string;
let cloud: Map<string, Buffer>;
let downloads: string[];
/** Replaces the next downloads of a digest. */
let faults: Map<string, () => Promise<Buffer>>;
let stateDir: string;
let functions: LocalFunctions;
let changes: string[];
const opened: LocalFunctions[] = [];

beforeAll(() => {
  processScript = buildProcessScript();
});
beforeEach(async () => {
  cloud = new Map();
  downloads = [];
  faults = new Map();
  changes = [];
  stateDir = temporaryFolder();
  functions = await open();
});
afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())));

async function open(): Promise<LocalFunctions> {
  const created = createLocalFunctions({
    host: createFunctionHost({ processScript, poolSize: 1, log: silent }),
    store: await openPackageStore({ directory: stateDir, log: silent }),
    locate: async (digest) => locationOf(digest),
    download,
    environment: { AWS_REGION: 'eu-central-1' },
    log: silent,
  });
  created.on('changed', ({ key, state }) => void changes.push(`${key} ${state}`));
  opened.push(created);
  return created;
}

function locationOf(digest: string): PackageLocation {
  return { url: `memory:${digest}`, digest, size: 1, expiresAt: '2030-01-01T00:00:00.000Z' };
}

async function download({ digest }: PackageLocation): Promise<Buffer> {
  downloads.push(digest);
  const fault = faults.get(digest);
  if (fault) return fault();
  const bytes = cloud.get(digest);
  if (bytes === undefined) throw new EdgeError('CLOUD_UNREACHABLE');
  return bytes;
}

async function publish(
  name: string,
  version: string,
  source = `exports.handler = async () => '${version}'`,
  changed: Partial<FunctionConfig> = {},
): Promise<WantedFunction> {
  const bytes = await zipOf({ 'index.js': source, 'edge.json': JSON.stringify({ name, version }) });
  const digest = packageDigest(bytes);
  cloud.set(digest, bytes);
  const manifest = functionManifestSchema.parse({
    name,
    version,
    handler: 'index.handler',
    digest,
    size: bytes.length,
    unpackedSize: source.length,
    ...changed,
  });
  return { key: functionKey(name, version), manifest, static: false, devices: ['sensor'] };
}

async function call(key: string, event: unknown = {}): Promise<unknown> {
  return (await functions.invoke(key, { requestId: 'r', event, device: 'sensor' })).output;
}

const states = () => functions.list().map(({ key, state }) => `${key} ${state}`);

/** A download that hangs until it is told how it ends. */
function hang(digest: string) {
  let settle: { resolve(bytes: Buffer): void; reject(error: Error): void } | undefined;
  const begun = new Promise<void>((resolveBegun) => {
    faults.set(digest, () => {
      faults.delete(digest);
      resolveBegun();
      return new Promise((resolve, reject) => (settle = { resolve, reject }));
    });
  });
  return {
    begun,
    end: () => settle?.resolve(cloud.get(digest) ?? Buffer.alloc(0)),
    fail: (error: Error) => settle?.reject(error),
  };
}

describe('reconcile', () => {
  it('fetches, starts and serves, and says so step by step', async () => {
    const source =
      'exports.handler = async (event, context) => [event, context.clientContext, context.invokedFunctionArn]';
    const detect = await publish('detect', '1.0.0', source);
    await expect(call(detect.key)).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
    await functions.reconcile([detect]);
    expect(changes).toEqual(['detect@1.0.0 fetching', 'detect@1.0.0 starting', 'detect@1.0.0 running']);
    expect(functions.get(detect.key)).toEqual({
      key: detect.key,
      manifest: detect.manifest,
      state: 'running',
    });
    expect(await call(detect.key, { n: 1 })).toEqual([
      { n: 1 },
      { custom: { device: 'sensor' } },
      'arn:aws:lambda:edge:000000000000:function:detect:1.0.0',
    ]);
  });

  it('does nothing at the target', async () => {
    const source = 'let calls = 0; exports.handler = async () => (calls += 1)';
    const detect = await publish('detect', '1.0.0', source);
    await functions.reconcile([detect]);
    expect(await call(detect.key)).toBe(1);
    changes.length = 0;
    await functions.reconcile([detect]);
    expect(await call(detect.key)).toBe(2);
    expect(changes).toEqual([]);
    expect(downloads).toHaveLength(1);
  });

  it('stops what is no longer wanted and leaves the others alone', async () => {
    const [detect, report] = [await publish('detect', '1.0.0'), await publish('report', '1.0.0')];
    await functions.reconcile([detect, report]);
    await functions.reconcile([report]);
    expect(states()).toEqual(['report@1.0.0 running']);
    await expect(call(detect.key)).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
    expect(await call(report.key)).toBe('1.0.0');
  });

  it('runs two versions of a function side by side when both are wanted', async () => {
    const both = [await publish('detect', '1.0.0'), await publish('detect', '2.0.0')];
    await functions.reconcile(both);
    expect(await Promise.all(both.map(({ key }) => call(key)))).toEqual(['1.0.0', '2.0.0']);
  });

  it('lets calls in flight finish on the old version while the new one serves', async () => {
    const gate = new Gate();
    await gate.listen();
    const [v1, v2] = [await publish('detect', '1.0.0', Gate.handler), await publish('detect', '1.1.0')];
    await functions.reconcile([v1]);
    const old = call(v1.key, { port: gate.port, from: 'old' });
    await gate.arrived(1);
    await functions.reconcile([v2]);
    expect(states()).toEqual(['detect@1.1.0 running']);
    expect(await call(v2.key)).toBe('1.1.0');
    await expect(call(v1.key)).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
    gate.open();
    expect(await old).toMatchObject({ from: 'old' });
    await gate.close();
  });

  it('goes back to a version whose last calls still run', async () => {
    const gate = new Gate();
    await gate.listen();
    const [v1, v2] = [await publish('detect', '1.0.0', Gate.handler), await publish('detect', '1.1.0')];
    await functions.reconcile([v1]);
    const old = call(v1.key, { port: gate.port, n: 1 });
    await gate.arrived(1);
    await functions.reconcile([v2]);
    await functions.reconcile([v1]);
    const next = call(v1.key, { port: gate.port, n: 2 });
    await gate.arrived(2);
    gate.open();
    expect(await Promise.all([old, next])).toMatchObject([{ n: 1 }, { n: 2 }]);
    await gate.close();
  });

  it('serves what it has when the cloud cannot be reached after a restart', async () => {
    const detect = await publish('detect', '1.0.0');
    await functions.reconcile([detect]);
    await functions.close();
    cloud.clear();
    functions = await open();
    await functions.reconcile([detect]);
    expect(await call(detect.key)).toBe('1.0.0');
    expect(downloads).toHaveLength(1);
  });
});

describe('a failure', () => {
  it.each([
    ['HANDLER_NOT_FOUND', 'exports.other = 1'],
    ['FUNCTION_INIT_FAILED', 'throw new Error("broken")'],
    ['FUNCTION_EXITED', 'process.exit(1)'],
  ])('%s is recorded with its function and stops no other', async (code, source) => {
    const [bad, good] = [await publish('bad', '1.0.0', source), await publish('good', '1.0.0')];
    await functions.reconcile([bad, good]);
    expect(functions.get(bad.key)).toMatchObject({ state: 'failed', error: { code } });
    expect(await call(good.key)).toBe('1.0.0');
    await expect(call(bad.key)).rejects.toMatchObject({
      code: 'FUNCTION_NOT_DEPLOYED',
      details: { state: 'failed' },
    });
  });

  it('of the new version leaves the old one serving', async () => {
    const v1 = await publish('detect', '1.0.0');
    const v2 = await publish('detect', '2.0.0', 'throw new Error("broken")');
    await functions.reconcile([v1]);
    await functions.reconcile([v2]);
    expect(states()).toEqual(['detect@1.0.0 running', 'detect@2.0.0 failed']);
    expect(await call(v1.key)).toBe('1.0.0');
    await functions.reconcile([v1]);
    expect(states()).toEqual(['detect@1.0.0 running']);
  });

  it('is tried again by the next reconcile', async () => {
    const detect = await publish('detect', '1.0.0');
    faults.set(detect.manifest.digest, () => Promise.resolve(Buffer.from('damaged on the way')));
    await functions.reconcile([detect]);
    expect(functions.get(detect.key)?.error?.code).toBe('DIGEST_MISMATCH');
    faults.clear();
    await functions.reconcile([detect]);
    expect(await call(detect.key)).toBe('1.0.0');
    expect(functions.get(detect.key)?.error).toBeUndefined();
  });

  it('of a listener breaks nothing', async () => {
    functions.on('changed', () => {
      throw new Error('not my day');
    });
    const detect = await publish('detect', '1.0.0');
    await functions.reconcile([detect]);
    expect(await call(detect.key)).toBe('1.0.0');
  });
});

describe('a newer target', () => {
  it('does not wait for a package that it no longer names', async () => {
    const [slow, other] = [await publish('slow', '1.0.0'), await publish('other', '1.0.0')];
    const hanging = hang(slow.manifest.digest);
    const first = functions.reconcile([slow]);
    await hanging.begun;
    await functions.reconcile([other]);
    await first;
    expect(states()).toEqual(['other@1.0.0 running']);
    hanging.fail(new Error('too late'));
  });

  it('starts other functions while a package is on its way', async () => {
    const [slow, other] = [await publish('slow', '1.0.0'), await publish('other', '1.0.0')];
    const hanging = hang(slow.manifest.digest);
    const first = functions.reconcile([slow]);
    await hanging.begun;
    const isServing = new Promise<void>((resolve) =>
      functions.on('changed', ({ key, state }) => key === other.key && state === 'running' && resolve()),
    );
    const second = functions.reconcile([slow, other]);
    await isServing;
    expect(await call(other.key)).toBe('1.0.0');
    hanging.end();
    await Promise.all([first, second]);
    expect(states()).toEqual(['slow@1.0.0 running', 'other@1.0.0 running']);
    expect(downloads.filter((digest) => digest === slow.manifest.digest)).toHaveLength(1);
  });

  it('wins, however many came in a row', async () => {
    const versions = await Promise.all(['1.0.0', '1.1.0', '1.2.0', '1.3.0'].map((v) => publish('detect', v)));
    const runs = [0, 1, 2, 3, 0, 2, 1, 3, 2].map((at) => functions.reconcile(versions.slice(at, at + 1)));
    await Promise.all(runs);
    expect(states()).toEqual(['detect@1.2.0 running']);
    expect(await call('detect@1.2.0')).toBe('1.2.0');
  });
});

describe('prefetch', () => {
  it('is used by a reconcile while it is under way', async () => {
    const detect = await publish('detect', '1.0.0');
    const hanging = hang(detect.manifest.digest);
    const prefetched = functions.prefetch(detect.manifest, locationOf(detect.manifest.digest));
    await hanging.begun;
    const reconciled = functions.reconcile([detect]);
    hanging.end();
    await Promise.all([prefetched, reconciled]);
    expect(await call(detect.key)).toBe('1.0.0');
    expect(downloads).toHaveLength(1);
  });

  it('that fails is followed by a fetch of its own', async () => {
    const detect = await publish('detect', '1.0.0');
    const hanging = hang(detect.manifest.digest);
    const prefetched = functions.prefetch(detect.manifest, locationOf(detect.manifest.digest));
    await hanging.begun;
    const reconciled = functions.reconcile([detect]);
    hanging.fail(new EdgeError('CLOUD_ERROR', 'address expired'));
    await expect(prefetched).rejects.toMatchObject({ code: 'CLOUD_ERROR' });
    await reconciled;
    expect(await call(detect.key)).toBe('1.0.0');
  });
});

describe('the code of a function', () => {
  const MENDING = `const fs = require('node:fs');
    exports.handler = async ({ tamper, add, exit }) => {
      if (tamper) { fs.chmodSync(__filename, 0o644); fs.writeFileSync(__filename, 'exports.handler = async () => "TAMPERED"'); }
      if (add) fs.writeFileSync(__dirname + '/index.mjs', 'left behind');
      if (exit) process.exit(1);
      return [fs.readdirSync(__dirname), (fs.statSync(__filename).mode & 0o222) === 0];
    };`;
  const AS_IT_CAME = [['edge.json', 'index.js'], true];

  it('cannot be written; changed all the same, it is fetched anew before it runs again', async () => {
    const { key, manifest } = await publish('detect', '1.0.0', MENDING);
    await functions.reconcile([{ key, manifest, static: false, devices: [] }]);
    expect(await call(key)).toEqual(AS_IT_CAME);
    await expect(call(key, { tamper: true, add: true, exit: true })).rejects.toMatchObject({
      code: 'FUNCTION_EXITED',
    });
    expect(await call(key)).toEqual(AS_IT_CAME);
    expect(downloads).toHaveLength(2);
  });

  it('loses what was put beside it, without the cloud, also after a restart', async () => {
    const detect = await publish('detect', '1.0.0', MENDING);
    await functions.reconcile([detect]);
    await call(detect.key, { add: true });
    cloud.clear();
    await expect(call(detect.key, { exit: true })).rejects.toMatchObject({ code: 'FUNCTION_EXITED' });
    expect(await call(detect.key)).toEqual(AS_IT_CAME);
    await call(detect.key, { add: true });
    await functions.close();
    functions = await open();
    await functions.reconcile([detect]);
    expect(await call(detect.key)).toEqual(AS_IT_CAME);
  });

  it('finds the region of the service', async () => {
    const source = 'exports.handler = async () => [process.env.AWS_REGION, process.env.LEVEL]';
    const detect = await publish('detect', '1.0.0', source, { environment: { LEVEL: '7' } });
    await functions.reconcile([detect]);
    expect(await call(detect.key)).toEqual(['eu-central-1', '7']);
  });
});

const COUNTING = 'let calls = 0; exports.handler = async () => (calls += 1)';

describe('the limits of the group', () => {
  it('the least used idle function gives way, and comes back when it is called', async () => {
    const all = await Promise.all(['a', 'b', 'c'].map((name) => publish(name, '1.0.0', COUNTING)));
    await functions.reconcile(all, { storage: 10, memory: 256, instances: 8 });
    expect(all.map(({ key }) => functions.get(key)?.state)).toEqual(['running', 'running', 'running']);
    const [a, b, c] = all.map(({ key }) => key) as [string, string, string];
    expect([await call(a), await call(b), await call(a)]).toEqual([1, 1, 2]);
    // b was used before a, so c takes its place: a goes on where it was.
    expect([await call(c), await call(a), await call(b)]).toEqual([1, 3, 1]);
  });

  it('refuse what does not fit beside what is pinned', async () => {
    const [a, big] = [await publish('a', '1.0.0'), await publish('big', '1.0.0')];
    const pinned = { ...a, manifest: { ...a.manifest, pinned: true } };
    const large = { ...big, manifest: { ...big.manifest, memory: 256 } };
    await functions.reconcile([pinned, large], { storage: 10, memory: 256, instances: 8 });
    expect(functions.get(big.key)?.error).toMatchObject({
      code: 'EDGE_LIMIT_EXCEEDED',
      message: expect.stringContaining('big needs 256 MiB') as string,
    });
    await functions.reconcile([pinned, large], { storage: 10, memory: 384, instances: 8 });
    expect(await call(big.key)).toBe('1.0.0');
  });

  it('hold for storage', async () => {
    const big = await publish(
      'big',
      '1.0.0',
      `exports.handler = async () => 1; //${'x'.repeat(1024 * 1024)}`,
    );
    await functions.reconcile([big], { storage: 1, memory: 1024, instances: 8 });
    expect(functions.get(big.key)?.error?.code).toBe('EDGE_LIMIT_EXCEEDED');
  });
});

describe('close', () => {
  it('does not wait for a download that hangs', async () => {
    const detect = await publish('detect', '1.0.0');
    const hanging = hang(detect.manifest.digest);
    const reconciled = functions.reconcile([detect]);
    await hanging.begun;
    await functions.close();
    await reconciled;
    await expect(functions.reconcile([detect])).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(functions.prefetch(detect.manifest, locationOf('x'))).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });
});
