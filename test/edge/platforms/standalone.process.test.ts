import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { build } from 'esbuild';
import { emptyDefinition, type Exchange } from '../../../protocol';
import { selfSigned, type TestCertificate } from '../support/certificates';
import { MqttDevice } from '../support/mqttDevice';
import { root } from '../../support/root';

type Line = { event?: string; level: number; msg?: string } & Record<string, unknown>;

/** A core in a process of its own, with its log lines. */
class CoreProcess {
  readonly lines: Line[] = [];
  readonly exited: Promise<number | null>;
  private readonly waiting: { event: string; resolve: (line: Line) => void }[] = [];

  constructor(readonly process: ChildProcessWithoutNullStreams) {
    // `exit` may come before the last lines of output, `close` does not.
    this.exited = new Promise((resolve) => process.once('close', resolve));
    createInterface({ input: process.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      this.lines.push(line);
      const index = this.waiting.findIndex(({ event }) => event === line.event);
      if (index >= 0) this.waiting.splice(index, 1)[0]?.resolve(line);
    });
  }

  event(event: string): Promise<Line> {
    const found = this.lines.find((line) => line.event === event);
    return found ? Promise.resolve(found) : new Promise((resolve) => this.waiting.push({ event, resolve }));
  }
}

let folder: string;
let script: string;
let camera: TestCertificate;
const running: CoreProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'core-'));
  script = path.join(folder, 'core.cjs');
  const bundle = (source: string, outfile: string) =>
    build({
      ...{ entryPoints: [path.join(root, source)], outfile, bundle: true, platform: 'node', format: 'cjs' },
      ...{ mainFields: ['module', 'main'], logLevel: 'error' },
    });
  await Promise.all([
    bundle('edge/platforms/standalone/main.ts', script),
    bundle('runtime/process/main.ts', path.join(folder, 'functionProcess.cjs')),
  ]);
  camera = await selfSigned('camera-1');
  const own = await selfSigned('core-1');
  await writeFile(path.join(folder, 'core.pem'), own.certificate);
  await writeFile(path.join(folder, 'core.key'), own.privateKey);
});

afterEach(async () => {
  for (const core of running.splice(0)) {
    core.process.kill('SIGKILL');
    await core.exited;
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Nobody listens there: the cloud is away. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function writeConfig(more: object = {}, mqtt?: { host: string; port: number }): Promise<string> {
  const port = await deadPort();
  const pair = { certificate: 'core.pem', privateKey: 'core.key' };
  const config = {
    ...{ core: 'core-1', group: 'plant', stateDir: 'state', corePrefix: 'edge/svc-dev', poolSize: 0 },
    listen: { host: '127.0.0.1', port: 0, ...pair },
    upstream: {
      ...{ region: 'eu-west-1', ca: 'core.pem', ...pair, mqtt: mqtt ?? { host: '127.0.0.1', port } },
      ...{
        httpUrl: `https://127.0.0.1:${port}`,
        credentialsUrl: `https://127.0.0.1:${port}`,
        roleAlias: 'r',
      },
    },
    ...more,
  };
  const file = path.join(folder, 'config.json');
  await writeFile(file, JSON.stringify(config));
  return file;
}

function run(args: string[], env: Record<string, string> = {}): CoreProcess {
  const child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env }, cwd: root });
  const core = new CoreProcess(child);
  running.push(core);
  return core;
}

test('starts without the cloud from what it has stored, serves, and stops cleanly', async () => {
  await mkdir(path.join(folder, 'state'), { recursive: true });
  const devices = { 'camera-1': { certificateId: camera.id, source: 'operator', seq: 1 } };
  const definition = { ...emptyDefinition('plant'), revision: 7, devices };
  await writeFile(path.join(folder, 'state/definition.json'), JSON.stringify({ definition }));
  const core = run(['--config', await writeConfig()], { EDGE_TRACE: '1' });
  expect(await core.event('reconciled')).toMatchObject({ revision: 7 });
  await core.event('ready');
  const { port } = (await core.event('listening')) as unknown as { port: number };

  const device = await MqttDevice.open('camera-1', camera, port);
  await device.client.subscribeAsync('edge/status');
  await device.ask('join', { requestId: 'j1' });
  expect(await device.reply('joined', 'j1')).toEqual({ requestId: 'j1', edge: 'core-1', revision: 7 });
  await device.ask('request', { requestId: 'r1', function: 'detect' });
  expect(await device.reply('failed', 'r1')).toMatchObject({ error: { code: 'CLOUD_UNREACHABLE' } });
  await device.ask('invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
  expect(await device.reply('failed', 'i1')).toMatchObject({ error: { code: 'FUNCTION_NOT_DEPLOYED' } });

  core.process.kill('SIGTERM');
  expect(await core.exited).toBe(0);
  expect(core.lines.at(-1)).toMatchObject({ event: 'stopped' });
  const states = device.received
    .filter(({ topic }) => topic === 'edge/status')
    .map(({ message }) => message['state']);
  expect(states).toEqual(['ready', 'stopping']);
  await device.end();

  const exchanges = core.lines
    .filter(({ event }) => event === 'exchange')
    .map(({ exchange }) => exchange as Exchange);
  expect(exchanges.find(({ from, step }) => from === 'camera-1' && step === 'join')).toMatchObject({
    to: 'core-1',
  });
  expect(exchanges.find(({ what }) => what === 'joined')).toMatchObject({
    ok: true,
    ms: expect.any(Number) as number,
  });
  expect(exchanges.find(({ what }) => what === 'validateFunction detect')).toMatchObject({
    to: 'cloud',
    ok: false,
  });
  expect(exchanges.filter(({ step }) => step === 'refusal')).toHaveLength(2);
});

test('stops cleanly although the cloud takes everything and acknowledges nothing', async () => {
  const pem = (name: string) => readFile(path.join(folder, name));
  const aedes = new Aedes({ authorizePublish: () => undefined });
  await aedes.listen();
  const subscribed = once(aedes, 'subscribe');
  const server = createTlsServer({ cert: await pem('core.pem'), key: await pem('core.key') }, (socket) =>
    aedes.handle(socket),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const config = await writeConfig({ stateDir: 'silent-state' }, { host: '127.0.0.1', port });
    const core = run(['--config', config]);
    await Promise.all([core.event('listening'), subscribed]);
    core.process.kill('SIGTERM');
    expect(await core.exited).toBe(0);
    expect(core.lines.at(-1)).toMatchObject({ event: 'stopped' });
  } finally {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    server.close();
  }
});

test('without EDGE_TRACE there are no exchanges', async () => {
  const core = run(['--config', await writeConfig({ stateDir: 'other-state' })], { EDGE_TRACE: '' });
  await core.event('listening');
  core.process.kill('SIGINT');
  expect(await core.exited).toBe(0);
  expect(core.lines.some(({ event }) => event === 'exchange')).toBe(false);
  expect(core.lines.some(({ event }) => event === 'ready')).toBe(false);
});

test.each([
  ['no arguments', () => Promise.resolve([]), 'usage'],
  ['a file that is not there', () => Promise.resolve(['--config', '/nowhere.json']), 'ENOENT'],
  ['a wrong field', async () => ['--config', await writeConfig({ group: 'no spaces' })], 'group'],
  [
    'a key that is not there',
    async () => ['--config', await writeConfig({ listen: { certificate: 'x', privateKey: 'y' } })],
    'ENOENT',
  ],
])('%s: one clear line, exit code 1', async (_what, args, said) => {
  const core = run(await args());
  expect(await core.exited).toBe(1);
  expect(core.lines).toHaveLength(1);
  expect(core.lines[0]).toMatchObject({ level: 60, msg: expect.stringContaining(said) as string });
});
