import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import type { ConnectOptions } from '../../../device/types';
import { DeviceProcess, type Edge, type NodeProcess, startProcess } from '../../../local';
import { coreConfigSchema } from '../../../protocol/coreConfig';
import { GROUP, type TestEnvironment } from '../../support/environment';
import { Command } from '../../support/command';
import { LiveService } from '../../support/liveService';
import { root } from '../../support/packaged';

/** `sls edge …` as processes, against a local cloud that runs. */
const MINUTE = 60_000;
const SAMPLES = '{"samples":[20,20.1,19.9,35,20]}';

let service: LiveService;
let environment: TestEnvironment;
let edge: Edge;
let serviceDir: string;

beforeAll(async () => {
  service = await LiveService.start();
  ({ environment, serviceDir } = service);
  edge = await service.startEdge();
}, MINUTE);

afterAll(() => service.close());

const run: LiveService['run'] = (...args) => service.run(...args);
const json: LiveService['json'] = (...args) => service.json(...args);

/** A client configuration for a device that the environment provisioned. */
async function writeDeviceConfig(thingName: string): Promise<string> {
  const { certificate, privateKey, ca } = await environment.deviceCredentials(thingName);
  const discovery = { url: environment.cloud.endpoints.iotTls };
  const file = path.join(serviceDir, `${thingName}.json`);
  await writeFile(file, JSON.stringify({ thingName, certificate, privateKey, ca, discovery }));
  return file;
}

interface Status {
  groups: {
    group: string;
    revision: number;
    devices: string[];
    edge?: { state: string; revision: number };
    deployment?: { revision: number };
    functions: { key: string; static: boolean; devices: string[]; state: string }[];
  }[];
}

const status = async (): Promise<Status['groups'][number]> => {
  const { groups } = await json<Status>('status', '--group', GROUP);
  const [first] = groups;
  if (first === undefined) throw new Error('no group');
  return first;
};

describe('commands that look', () => {
  it(
    'lists functions with versions and where they may run',
    async () => {
      const { functions } = await json<{
        functions: { name: string; latest: string; versions: unknown[] }[];
      }>('functions');
      expect(functions.map(({ name }) => name).sort()).toEqual([
        'calibrateSensor',
        'detectAnomaly',
        'smoothSignal',
        'trainModel',
      ]);
      expect(functions.find(({ name }) => name === 'detectAnomaly')).toMatchObject({
        latest: '1.2.0',
        versions: [
          { version: '1.2.0', digest: expect.stringMatching(/^[0-9a-f]{64}$/), locations: ['edge'] },
        ],
      });
      const { stdout } = await run('functions', '--function', 'calibrateSensor');
      expect(stdout).toMatch(/calibrateSensor\s+1\.0\.0 \(latest\)\s+[0-9a-f]{12}\s+.*edge\s+technician-\*/);
    },
    MINUTE,
  );

  it(
    'shows what should run and what runs',
    async () => {
      expect(await status()).toMatchObject({
        group: GROUP,
        devices: ['sensor-1', 'sensor-2'],
        edge: { state: 'ready' },
        functions: [{ key: 'smoothSignal@1.0.0', static: true, devices: [], state: 'running' }],
      });
      const { stdout } = await run('groups');
      expect(stdout).toMatch(
        /workshop\s+edge-demo-dev-workshop-core\s+ready, .*\s+\d+\s+2\s+1 preloaded, 0 on demand/,
      );
    },
    MINUTE,
  );

  it(
    'shows what happened, of one group',
    async () => {
      const { events } = await json<{ events: { what: string; about: string; ok: boolean; at: string }[] }>(
        'events',
      );
      expect(events.map(({ what }) => what)).toEqual(
        expect.arrayContaining(['package', 'definition', 'deployment', 'edge']),
      );
      expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort());
      const { code, stdout } = await run('events', '--since', 'yesterday');
      expect(code).toBe(1);
      expect(stdout).toContain('--since: found yesterday');
    },
    MINUTE,
  );

  it(
    'finds nothing wrong, as nothing is',
    async () => {
      const { ok, checks } = await json<{ ok: boolean; checks: { name: string; state: string }[] }>('doctor');
      expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
      expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['clock', 'HTTP API', 'edges']));
      expect(ok).toBe(true);
    },
    MINUTE,
  );
});

describe('events --tail', () => {
  it(
    'shows what happens until it is interrupted',
    async () => {
      const cli = path.join(root, 'node_modules', '.bin', 'serverless');
      const tail = new Command(cli, ['edge', 'events', '--tail', '--json', '--local'], serviceDir);
      try {
        await tail.printed(/"what":"deployment"/);
        await environment.registerFunction('late', 'exports.handler = async () => 1;');
        await tail.printed(/"about":"late"/);
        tail.interrupt();
        expect(await tail.exit()).toEqual({ code: 0, signal: null });
      } finally {
        await tail.destroy();
      }
    },
    MINUTE,
  );
});

describe('commands that fail', () => {
  it(
    'says so with an exit code, a reason and an advice, also as JSON',
    async () => {
      const missing = await run('status', '--group', 'cellar');
      expect(missing.code).toBe(1);
      expect(missing.stdout).toContain('no group cellar is deployed');
      expect(missing.stdout).toContain('one of workshop');
      const asJson = await run('functions', '--function', 'nothing', '--json');
      expect(asJson.code).toBe(1);
      expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'FUNCTION_NOT_FOUND' } });
    },
    MINUTE,
  );

  it(
    'answers in JSON where the service cannot be packaged, too',
    async () => {
      const yaml = await readFile(path.join(serviceDir, 'serverless.yml'), 'utf8');
      const wrong = yaml.replace(
        /^ {2}smoothSignal:\n/m,
        '  smoothSignal:\n    environment: { BUCKET: { Ref: EdgeStateBucket } }\n',
      );
      await writeFile(path.join(serviceDir, 'wrong.yml'), wrong);
      const { code, stdout } = await run('deploy', '--json', '--config', 'wrong.yml');
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'CONFIG_INVALID', field: 'functions.smoothSignal.environment.BUCKET' },
      });
    },
    MINUTE,
  );

  it(
    'wants the options that it cannot do without',
    async () => {
      const { code, stdout } = await run('undeploy');
      expect(code).toBe(1);
      expect(stdout).toContain('function');
    },
    MINUTE,
  );

  it(
    'tells where a local cloud is missing, and the doctor counts that as a finding',
    async () => {
      const file = path.join(serviceDir, '.edge', 'stack.json');
      const content = await readFile(file, 'utf8');
      await rm(file);
      try {
        expect(await run('groups')).toMatchObject({
          code: 1,
          stdout: expect.stringContaining('sls edge dev') as string,
        });
        const { code, stdout } = await run('doctor', '--json');
        expect(code).toBe(1);
        expect(JSON.parse(stdout)).toMatchObject({ ok: false });
      } finally {
        await writeFile(file, content);
      }
    },
    MINUTE,
  );
});

describe('a function on demand', () => {
  it(
    'is brought by a call as a device, survives a roll-out, and is taken away',
    async () => {
      const config = await writeDeviceConfig('sensor-1');
      const call = ['invoke', '-f', 'detectAnomaly', '--device', 'sensor-1', '--device-config', config];
      expect(await json(...call, '--data', SAMPLES)).toMatchObject({
        location: 'edge',
        version: '1.2.0',
        result: { anomalies: [{ index: 3, value: 35 }] },
      });
      const { groups } = await json<{ groups: { changes: unknown[]; onDemand: object }[] }>(
        'deploy',
        '--package',
        'packaged',
      );
      expect(groups).toMatchObject([{ changes: [], onDemand: { 'detectAnomaly@1.2.0': ['sensor-1'] } }]);
      expect((await status()).functions).toContainEqual(
        expect.objectContaining({ key: 'detectAnomaly@1.2.0', devices: ['sensor-1'] }),
      );
      const { stdout } = await run('undeploy', '-f', 'detectAnomaly', '--device', 'sensor-1');
      expect(stdout).toContain('- claim sensor-1/detectAnomaly 1.2.0');
      expect((await status()).functions.filter(({ devices }) => devices.length > 0)).toEqual([]);
      expect(await json(...call, '--data', SAMPLES)).toMatchObject({ location: 'edge' });
    },
    2 * MINUTE,
  );

  it(
    'is refused to a device that may not have it, with the reason',
    async () => {
      const config = await writeDeviceConfig('sensor-2');
      const { code, stdout } = await run(
        ...['invoke', '-f', 'calibrateSensor', '--device', 'sensor-2', '--device-config', config, '--json'],
      );
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'NOT_ENTITLED' } });
    },
    MINUTE,
  );

  it(
    'runs in the cloud where that is asked for',
    async () => {
      const config = await writeDeviceConfig('sensor-2');
      const call = ['invoke', '-f', 'trainModel', '--device', 'sensor-2', '--device-config', config];
      expect(await json(...call, '--location', 'cloud', '--data', SAMPLES)).toMatchObject({
        location: 'cloud',
        result: { samples: 5 },
      });
    },
    MINUTE,
  );
});

describe('a preloaded function', () => {
  it(
    'is taken away, and comes back with the next roll-out',
    async () => {
      const taken = await run('undeploy', '-f', 'smoothSignal', '--group', GROUP);
      expect(taken).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('- smoothSignal 1.0.0') as string,
      });
      const again = await run('undeploy', '-f', 'smoothSignal');
      expect(again.code).toBe(1);
      const { stdout } = await run('deploy', '--package', 'packaged', '--group', GROUP);
      expect(stdout).toContain('+ smoothSignal 1.0.0');
      expect(stdout).toMatch(/smoothSignal\s+1\.0\.0\s+unchanged/);
    },
    2 * MINUTE,
  );
});

describe('an edge of its own', () => {
  let core: NodeProcess | undefined;
  let device: DeviceProcess | undefined;
  afterAll(async () => {
    await device?.close();
    await core?.stop();
  });

  it(
    'runs with one command, and devices that are added find it',
    async () => {
      const port = await freePort();
      const init = ['core', 'init', '--group', GROUP, '--port', String(port), '--out', 'node'];
      const refused = await run(...init, '--json');
      expect(refused.code).toBe(1);
      expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'CONFLICT' } });
      await edge.stop();

      const made = await json<{ out: string; command: string; certificateId: string; unit: string }>(
        ...init,
        '--replace',
      );
      const config: unknown = JSON.parse(await readFile(path.join(made.out, 'core.json'), 'utf8'));
      expect(coreConfigSchema.safeParse(config).error).toBeUndefined();
      expect((await stat(path.join(made.out, 'server.key'))).mode & 0o077).toBe(0);
      expect(await readFile(path.join(made.out, made.unit), 'utf8')).toContain('ExecStart=');
      core = startCommand(made.out, made.command);
      await core.waitFor('ready');

      const again = await json<{ certificateId: string }>(...init);
      expect(again.certificateId).toBe(made.certificateId);

      const taken = await run('device', 'add', '--name', 'shared', '--group', GROUP, '--json');
      expect(JSON.parse(taken.stdout)).toMatchObject({
        error: { code: 'BAD_REQUEST', expected: expect.stringContaining('another name') as string },
      });
      const added = await json<{ configFile: string; connects: string }>(
        ...['device', 'add', '--name', 'technician-1', '--group', GROUP],
      );
      expect(added.connects).toBe('endpoint');
      device = new DeviceProcess(root);
      await device.connect(JSON.parse(await readFile(added.configFile, 'utf8')) as ConnectOptions);
      await device.close();
      device = undefined;

      const call = ['invoke', '-f', 'detectAnomaly', '--device', 'technician-1', '--data', SAMPLES];
      expect(await json(...call)).toMatchObject({ location: 'edge' });
      expect((await status()).functions).toContainEqual(
        expect.objectContaining({
          key: 'detectAnomaly@1.2.0',
          devices: expect.arrayContaining(['technician-1']),
        }),
      );
    },
    3 * MINUTE,
  );
});

/** The command that it prints, as it would be run on the node: without a single variable of the cloud. */
function startCommand(folder: string, command: string): NodeProcess {
  const [program, script, ...args] = command.split(' ');
  expect(program).toBe('node');
  const env = { PATH: process.env['PATH'] ?? '' };
  return startProcess({ name: 'core', script: path.join(folder, script ?? ''), args, cwd: folder, env });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
