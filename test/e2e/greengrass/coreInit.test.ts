import { copyFile, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { GetCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import { GetPolicyCommand, ListAttachedPoliciesCommand } from '@aws-sdk/client-iot';
import { DeviceProcess, type NodeProcess, writeStackFile } from '../../../local';
import { startNucleusProcess } from '../../../local/dev/nucleus';
import { ThingStore } from '../../../operations/things/thingFiles';
import { GreengrassRemoval } from '../../../operations/cores/greengrass/removal';
import { removeService } from '../../../operations/removal/removal';
import { coreComponentName } from '../../../protocol';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../../support/environment';
import { packageTemplate, root, withEngine } from '../../support/packaged';
import { sls, type SlsResult } from '../../support/sls';

const MINUTE = 60_000;
const SAMPLES = '{"samples":[20,20.1,19.9,35,20]}';

interface Made {
  out: string;
  core: string;
  certificateId: string;
  command: string;
  deployment: { component: string; version: string; isNew: boolean; targetArn: string };
}

/** `sls edge core init` for a Greengrass core, as a process, and the folder on a node with a nucleus. */
let environment: TestEnvironment;
let serviceDir: string;
let nucleus: NodeProcess | undefined;
let device: DeviceProcess | undefined;

beforeAll(async () => {
  const service = await packageTemplate(withEngine('greengrassv2'));
  serviceDir = service.serviceDir;
  environment = await startTestEnvironment({ serviceDir, packageDir: service.directory });
  await writeStackFile(environment, path.join(serviceDir, '.edge', 'stack.json'));
}, 2 * MINUTE);

afterAll(async () => {
  await device?.close();
  await nucleus?.stop(15_000);
  await environment?.close();
}, MINUTE);

const init = (...args: string[]): Promise<SlsResult> =>
  sls(serviceDir, [
    ...['edge', 'core', 'init', '--group', GROUP, '--port', '18883', '--out', 'node'],
    ...['--server-dir', path.join(serviceDir, 'etc'), '--local', '--json', ...args],
  ]);

async function made(...args: string[]): Promise<Made> {
  const { code, stdout, stderr } = await init(...args);
  if (code !== 0) throw new Error(`code ${code}\n${stdout}${stderr}`);
  return JSON.parse(stdout) as Made;
}

it('says what to install where the IPC client is missing', async () => {
  const { code, stdout } = await init('--replace');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: 'NOT_FOUND', expected: 'npm install --save-dev aws-iot-device-sdk-v2' },
  });
  await symlink(
    path.join(root, 'node_modules', 'aws-iot-device-sdk-v2'),
    path.join(serviceDir, 'node_modules', 'aws-iot-device-sdk-v2'),
  );
});

it('refuses a platform that there is not', async () => {
  const { code, stdout } = await init('--platform', 'azure');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: 'BAD_REQUEST', expected: 'standalone, greengrassv2, greengrass' },
  });
});

it(
  'makes a folder that turns a node into the edge core, and is the same the second time',
  async () => {
    const first = await made('--replace');
    expect(first.deployment).toMatchObject({ version: '1.0.0', isNew: true });
    expect(first.deployment.targetArn).toMatch(new RegExp(`:thing/${first.core}$`));
    for (const secret of ['server.key', `credentials/${first.core}/private.key`]) {
      expect((await stat(path.join(first.out, secret))).mode & 0o077).toBe(0);
    }
    const again = await made();
    expect(again).toMatchObject({
      certificateId: first.certificateId,
      deployment: { version: '1.0.0', isNew: false },
    });
    // The script is for root on a node; that it is one is all that can be seen here.
    await promisify(execFile)('/bin/sh', ['-n', path.join(first.out, 'install.sh')]);
    const yaml = await readFile(path.join(first.out, 'nucleus.yaml'), 'utf8');
    expect(yaml).toContain(`thingName: "${first.core}"`);
    expect(yaml).toContain(`iotRoleAlias: "${environment.outputs.roleAlias}"`);

    await startNode(first);
    const added = await sls(serviceDir, [
      ...['edge', 'device', 'add', '--name', 'sensor-9', '--group', GROUP, '--local', '--json'],
    ]);
    const { configFile } = JSON.parse(added.stdout) as { configFile: string };
    device = new DeviceProcess(root);
    await device.connect(JSON.parse(await readFile(configFile, 'utf8')));
    await device.deploy('detectAnomaly');
    expect(await device.invoke('detectAnomaly', JSON.parse(SAMPLES))).toHaveProperty('anomalies');
  },
  3 * MINUTE,
);

it(
  'is taken away again with its rights',
  async () => {
    await nucleus?.stop(15_000);
    nucleus = undefined;
    const { iot } = environment.operator.clients;
    const { corePolicy } = environment.outputs;
    const definition = await environment.operator.definition(environment.outputs.stateBucket, GROUP);
    const certificateId = definition?.core?.certificateId ?? '';
    const target = await environment.operator.certificateArn(certificateId);
    const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target }));
    const own = policies.map(({ policyName }) => policyName).filter((name) => name !== corePolicy);
    expect(own).toEqual([expect.stringMatching(new RegExp(`^${corePolicy}\\.`))]);
    const platform = new GreengrassRemoval();
    const options = { createFunction: 'none', buckets: [], platform };
    const { things } = await removeService(environment, options);
    const { components } = platform;
    expect(components.removed).toEqual([`${coreComponentName(environment.outputs.corePrefix)} 1.0.0`]);
    expect(components.problems).toEqual([]);
    expect(things.certificates).toContain(certificateId);
    const coreDeviceThingName = definition?.core?.thingName;
    await expect(
      environment.operator.clients.greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await environment.operator.certificateArn(certificateId)).toBeUndefined();
    await expect(iot.send(new GetPolicyCommand({ policyName: own[0] }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  },
  MINUTE,
);

/** What install.sh does, as far as it needs no root; the nucleus is the simulated one. */
async function startNode({ out, core }: Made): Promise<void> {
  await mkdir(path.join(serviceDir, 'etc'));
  for (const file of ['server.pem', 'server.key']) {
    await copyFile(path.join(out, file), path.join(serviceDir, 'etc', file));
  }
  const { cloud, operator, outputs } = environment;
  const thing = await new ThingStore(path.join(out, 'credentials'), operator, '').find(core);
  if (thing === undefined) throw new Error('no credentials');
  nucleus = await startNucleusProcess({
    ...{ cloud, core: thing, roleAlias: outputs.roleAlias, stateDir: path.join(serviceDir, 'greengrass') },
  });
  await nucleus.waitFor('ready');
}
