import { createHash } from 'node:crypto';
import { type DeviceProcess, functionPackage } from '../../local';
import type { UploadResult } from '../../protocol';
import { rawZip, type RawEntry } from '../protocol/rawZip';
import { cloudState, upload, type CloudState } from '../support/cloudState';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';

const MiB = 1024 * 1024;
const ECHO = 'exports.handler = async (event) => event;';

let environment: TestEnvironment;
let device: DeviceProcess;
let cloud: CloudState;

beforeAll(async () => {
  environment = await startTestEnvironment();
  cloud = cloudState(environment);
  await environment.startEdge(GROUP);
  device = await environment.connectDevice('sensor-1');
});
afterAll(async () => {
  cloud?.close();
  await environment?.close();
});

type Refused = Extract<UploadResult, { status: 'refused' }>;
type Registered = Extract<UploadResult, { status: 'registered' }>;

async function refused(name: string, bytes: Buffer): Promise<Refused> {
  const result = await upload(environment, name, bytes);
  if (result.status === 'refused') return result;
  throw new Error(`${name} was registered: ${JSON.stringify(result)}`);
}

async function registered(name: string, bytes: Buffer): Promise<Registered> {
  const result = await upload(environment, name, bytes);
  if (result.status === 'registered') return result;
  throw new Error(`${name} was refused: ${JSON.stringify(result.error)}`);
}

/** All that a registration writes. */
async function registry() {
  const { functionsBucket, stateBucket } = environment.outputs;
  return {
    entries: await cloud.objects(stateBucket, 'registry/'),
    packages: await cloud.objects(functionsBucket, 'packages/'),
    lambdas: await cloud.lambdaNames(),
  };
}

function latestOf(name: string) {
  return environment.operator.functionIndex(environment.outputs.stateBucket, name);
}

let goods = 0;

/** The way is open for the next one: a good package is registered, deployed and called. */
async function expectGoodUploadWorks(): Promise<void> {
  const name = `good${++goods}`;
  await environment.registerFunction(name, ECHO);
  await expect(device.deploy(name)).resolves.toMatchObject({ version: '1.0.0' });
  await expect(device.invoke(name, { goods })).resolves.toEqual({ goods });
  await device.release(name);
}

const config = (more: object = {}) => ({ name: 'suspect', handler: 'index.handler', ...more });
const edgeJson = (more: object = {}): RawEntry => ({
  name: 'edge.json',
  content: JSON.stringify(config(more)),
});
const index: RawEntry = { name: 'index.js', content: ECHO };
const good = (more: object = {}) => functionPackage({ 'index.js': ECHO }, config(more));

/** Name, package, what the uploader reads. */
type Case = [what: string, bytes: () => Buffer | Promise<Buffer>, error: object];

const withConfig = (what: string, more: object, field: string): Case => [
  what,
  () => good(more),
  // It names where the user wrote it; without a name of the function, the file that has none.
  {
    code: 'CONFIG_INVALID',
    field,
    message: expect.stringMatching(/^edge\.functions\.suspect|edge\.json|^cloudFunction/) as string,
  },
];

const escaping = (name: string): Case => [
  `the entry ${JSON.stringify(name)}`,
  () => rawZip([edgeJson(), index, { name, content: 'x' }]),
  { code: 'PACKAGE_UNSAFE', field: name },
];

const cases: Case[] = [
  ['nothing', () => Buffer.alloc(0), { code: 'PACKAGE_INVALID' }],
  ['what is no zip', () => Buffer.from('just some text'), { code: 'PACKAGE_INVALID' }],
  ['a zip that was cut short', async () => (await good()).subarray(0, -30), { code: 'PACKAGE_INVALID' }],
  [
    'content that does not have its checksum',
    () => rawZip([edgeJson(), { ...index, crc: 1 }]),
    { code: 'PACKAGE_INVALID' },
  ],
  ['two entries of one name', () => rawZip([edgeJson(), index, index]), { code: 'PACKAGE_INVALID' }],
  ['a zip without edge.json', () => functionPackage({ 'index.js': ECHO }), { code: 'CONFIG_MISSING' }],
  [
    'edge.json below the top level',
    () => rawZip([{ ...edgeJson(), name: 'sub/edge.json' }, index]),
    { code: 'CONFIG_MISSING' },
  ],
  [
    'edge.json that is no JSON',
    () => rawZip([{ name: 'edge.json', content: '{ "name": ' }, index]),
    { code: 'CONFIG_INVALID' },
  ],
  withConfig('a name of the wrong form', { name: 'not a name' }, 'name'),
  withConfig('a name that every object inherits', { name: 'constructor' }, 'name'),
  withConfig('a name that climbs', { name: '../../groups/workshop/definition' }, 'name'),
  withConfig('no name', { name: undefined }, 'name'),
  withConfig('a version of the wrong form', { version: '1.0' }, 'version'),
  withConfig('a version range', { version: '^1.0.0' }, 'version'),
  withConfig('a key that nobody knows', { memmory: 128 }, 'memmory'),
  withConfig('a nested key that nobody knows', { requires: { nodes: '>=20' } }, 'requires.nodes'),
  withConfig('a location that does not exist', { locations: ['edge', 'moon'] }, 'locations.1'),
  withConfig('too little memory', { memory: 1 }, 'memory'),
  withConfig('a handler outside of the package', { handler: '../index.handler' }, 'handler'),
  withConfig('a device pattern of the wrong form', { devices: ['sensor-1', 'a b'] }, 'devices.1'),
  withConfig(
    "a variable that is Lambda's own",
    { locations: ['edge', 'cloud'], environment: { AWS_SECRET_ACCESS_KEY: 'x' } },
    'environment.AWS_SECRET_ACCESS_KEY',
  ),
  withConfig(
    'a Lambda function that does not exist',
    { locations: ['cloud'], cloudFunction: 'nowhere' },
    'cloudFunction',
  ),
  [
    "a handler's module that is not there",
    () => good({ handler: 'lib/main.handler' }),
    { code: 'HANDLER_NOT_FOUND', field: 'handler', expected: 'lib/main.js or lib/main.mjs or lib/main.cjs' },
  ],
  escaping('../evil.js'),
  escaping('a/../../evil.js'),
  escaping('/etc/cron.d/evil'),
  escaping('C:/evil.js'),
  escaping('..\\evil.js'),
  [
    'a symbolic link',
    () => rawZip([edgeJson(), index, { name: 'link', content: '/etc/passwd', mode: 0o120777 }]),
    { code: 'PACKAGE_UNSAFE', field: 'link' },
  ],
  [
    'a zip bomb that declares its size',
    () => rawZip([edgeJson(), index, { name: 'bomb', content: Buffer.alloc(251 * MiB), deflate: true }]),
    { code: 'PACKAGE_TOO_LARGE', field: 'unpacked package' },
  ],
  [
    'a zip bomb that lies about its size',
    () =>
      rawZip([
        edgeJson(),
        index,
        { name: 'bomb', content: Buffer.alloc(64 * MiB), deflate: true, declaredSize: 100 },
      ]),
    { code: 'PACKAGE_TOO_LARGE' },
  ],
  [
    'a zip that is too large itself',
    () => Buffer.alloc(50 * MiB + 1),
    { code: 'PACKAGE_TOO_LARGE', field: 'package' },
  ],
  [
    'more entries than the limit',
    () => rawZip([edgeJson(), index, ...Array.from({ length: 50_000 }, (_, n) => ({ name: `f${n}` }))]),
    { code: 'PACKAGE_TOO_LARGE', field: 'entries' },
  ],
];

describe('a bad package', () => {
  it.each(cases)('%s: the uploader reads why, and nothing of it is kept', async (_what, bytes, error) => {
    const before = await registry();
    const result = await refused('suspect', await bytes());
    expect(result).toMatchObject({ upload: 'uploads/suspect.zip', error });
    await environment.cloud.idle();
    expect(await registry()).toEqual(before);
    await expectGoodUploadWorks();
  });

  it('cannot be asked for', async () => {
    await expect(device.deploy('suspect')).rejects.toMatchObject({ code: 'FUNCTION_NOT_FOUND' });
  });

  it('a package just below the limits is none', async () => {
    const content = Buffer.alloc(249 * MiB);
    await registered(
      'large',
      rawZip([edgeJson({ name: 'large' }), index, { name: 'data', content, deflate: true }]),
    );
    await expect(device.deploy('large')).resolves.toMatchObject({ version: '1.0.0' });
    await device.release('large');
  });
});

describe('versions', () => {
  const source = (text: string) => `exports.handler = async () => '${text}';`;
  const pack = (name: string, text: string, version?: string) =>
    functionPackage({ 'index.js': source(text) }, { name, handler: 'index.handler', version });

  it('a named version with other content is refused, and the version stays as it was', async () => {
    const first = await pack('named', 'one', '2.0.0');
    await expect(registered('named', first)).resolves.toMatchObject({ version: '2.0.0', changed: true });
    const before = await registry();
    const other = await pack('named', 'other', '2.0.0');
    expect((await refused('named', other)).error).toMatchObject({
      code: 'VERSION_CONFLICT',
      field: 'version',
      details: { version: '2.0.0' },
    });
    expect(await registry()).toEqual(before);
    await device.deploy('named');
    await expect(device.invoke('named')).resolves.toBe('one');
    await expectGoodUploadWorks();
  });

  it('the same content again changes nothing', async () => {
    const bytes = await pack('same', 'one');
    const digest = createHash('sha256').update(bytes).digest('hex');
    const first = { name: 'same', version: '1.0.0', digest };
    await expect(registered('same', bytes)).resolves.toMatchObject({ ...first, changed: true });
    const versions = (await latestOf('same'))?.versions;
    await expect(registered('same', bytes)).resolves.toMatchObject({ ...first, changed: false });
    expect(await latestOf('same')).toMatchObject({ latest: '1.0.0', versions });
  });

  it('changed content gets the next patch, and older content becomes the latest again', async () => {
    const [one, two] = [await pack('moving', 'one'), await pack('moving', 'two')];
    await expect(registered('moving', one)).resolves.toMatchObject({ version: '1.0.0', changed: true });
    await expect(registered('moving', two)).resolves.toMatchObject({ version: '1.0.1', changed: true });
    expect(await latestOf('moving')).toMatchObject({ latest: '1.0.1' });
    await expect(registered('moving', one)).resolves.toMatchObject({ version: '1.0.0', changed: true });
    const index = await latestOf('moving');
    expect(index?.latest).toBe('1.0.0');
    expect(Object.keys(index?.versions ?? {})).toEqual(['1.0.0', '1.0.1']);
    await expect(device.deploy('moving')).resolves.toMatchObject({ version: '1.0.0' });
    await expect(device.invoke('moving')).resolves.toBe('one');
    await expect(device.deploy('moving', { version: '^1.0.1' })).resolves.toMatchObject({ version: '1.0.1' });
    await expect(device.invoke('moving')).resolves.toBe('two');
  });
});
