import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  GetDeploymentCommand,
  ListDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { GetPolicyCommand, ListAttachedPoliciesCommand } from '@aws-sdk/client-iot';
import { writeStackFile, type NodeProcess } from '../../../local';
import { startNucleusProcess } from '../../../local/dev/nucleus';
import { readListener } from '../../../operations/groups/listener';
import { ThingStore } from '../../../operations/things/thingFiles';
import { MAX_MQTT_PAYLOAD } from '../../../protocol';
import { encodeRecipe } from '../../../protocol/greengrass/recipe';
import { connectComponent, type IpcComponent, type IpcSubscription } from '../../local/nucleus/ipcComponent';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../../support/environment';
import { packageTemplate, root, withEngine } from '../../support/packaged';
import { processTree } from '../../support/processTree';
import { sls } from '../../support/sls';
import { until } from '../../support/until';

const MINUTE = 60_000;
const SAMPLES = { samples: [20, 20.1, 19.9, 35, 20] };
const BRIDGE = 'com.example.bridge';
const BRIDGE_COMMAND = 'sleep 86399';
const DEVICE = 'sensor-9';

interface Made {
  out: string;
  core: string;
  certificateId: string;
  command?: string;
  hosts?: string[];
  deployment: { targetArn: string; deploymentId: string };
}

type Reply = Record<string, unknown> & { error?: { code: string } };

/**
 * A core without a broker of its own, on the simulated nucleus. A second component stands where Greengrass's
 * MQTT bridge is: what it publishes locally came from a device, what it hears goes to one.
 */
let environment: TestEnvironment;
let serviceDir: string;
let nucleus: NodeProcess;
let made: Made;
let bridge: IpcComponent;
let replies: IpcSubscription;
const connected: IpcComponent[] = [];

const run = (...args: string[]) => sls(serviceDir, ['edge', ...args, '--local', '--json']);
const init = (...args: string[]) => run('core', 'init', '--group', GROUP, '--out', 'node', ...args);

async function succeeded<T>(result: ReturnType<typeof sls>): Promise<T> {
  const { code, stdout, stderr } = await result;
  if (code !== 0) throw new Error(`code ${code}\n${stdout}${stderr}`);
  return JSON.parse(stdout) as T;
}

beforeAll(async () => {
  const service = await packageTemplate(withEngine('greengrassv2'));
  serviceDir = service.serviceDir;
  environment = await startTestEnvironment({ serviceDir, packageDir: service.directory });
  await writeStackFile(environment, path.join(serviceDir, '.edge', 'stack.json'));
  const sdk = 'aws-iot-device-sdk-v2';
  await symlink(path.join(root, 'node_modules', sdk), path.join(serviceDir, 'node_modules', sdk));
}, 2 * MINUTE);

afterAll(async () => {
  await Promise.all(connected.map((each) => each.close()));
  await nucleus?.stop(15_000);
  await environment?.close();
}, MINUTE);

test.each([
  [['--devices', 'moquette'], 'broker or pubsub'],
  [['--devices', 'pubsub', '--platform', 'standalone'], '--platform greengrassv2'],
  [['--devices', 'pubsub', '--host', 'edge-1.example'], 'no such option'],
  [['--devices', 'pubsub', '--port', '8883'], 'no such option'],
  [['--devices', 'pubsub', '--server-dir', '/etc/edge'], 'no such option'],
])('refuses %j', async (args, expected) => {
  const { code, stdout } = await init('--replace', ...args);
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout) as { error: unknown };
  expect(error).toMatchObject({ code: 'BAD_REQUEST', expected: expect.stringContaining(expected) });
});

it(
  'makes a folder without a certificate for devices, and a core with the rights that they take',
  async () => {
    // Of a time when the core had its own broker.
    const before = await succeeded<Made>(init('--replace', '--port', '18883'));
    expect(existsSync(path.join(before.out, 'server.key'))).toBe(true);
    expect(await readListener(environment, GROUP)).toMatchObject({ port: 18_883 });

    made = await succeeded<Made>(init('--devices', 'pubsub'));
    expect(made).toMatchObject({ command: 'sh install.sh', certificateId: before.certificateId });
    expect(made).not.toHaveProperty('hosts');
    expect(made).not.toHaveProperty('port');
    for (const file of ['server.pem', 'server.key']) {
      expect(existsSync(path.join(made.out, file))).toBe(false);
    }
    const script = await readFile(path.join(made.out, 'install.sh'), 'utf8');
    expect(script).not.toContain('server.');
    expect(script).toContain('Greengrass.jar');
    expect(await readListener(environment, GROUP)).toBeUndefined();
    const policies = await policiesOf(made.certificateId);
    const clients = policies.find((name) => name.includes('.clients.'));
    const { policyDocument = '' } = await environment.operator.clients.iot.send(
      new GetPolicyCommand({ policyName: clients }),
    );
    expect(policyDocument).toContain('greengrass:VerifyClientDeviceIdentity');
    expect(policyDocument).toContain(`/greengrass/things/${made.core}/connectivityInfo`);
    const device = await succeeded<{ connects: string }>(
      run('device', 'add', '--name', DEVICE, '--group', GROUP),
    );
    expect(device.connects).toBe('discovery');
  },
  2 * MINUTE,
);

it(
  'serves a device whose messages are relayed: request, available, confirm, ready, invoke, result',
  async () => {
    const { cloud, operator, outputs } = environment;
    const thing = await new ThingStore(path.join(made.out, 'credentials'), operator, '').find(made.core);
    if (thing === undefined) throw new Error('no credentials');
    nucleus = await startNucleusProcess({
      ...{ cloud, core: thing, roleAlias: outputs.roleAlias, stateDir: path.join(serviceDir, 'greengrass') },
    });
    expect(await nucleus.waitFor('listening')).not.toHaveProperty('port');
    await nucleus.waitFor('ready');
    await deployBridge();
    bridge = await asComponent(BRIDGE_COMMAND);
    replies = await bridge.subscribe('subscribeToTopic', { topic: 'edge/+/reply/+' });

    await say('join', { requestId: 'j1' });
    expect(await reply('joined', 'j1')).toMatchObject({ edge: made.core });
    await say('request', { requestId: 'r1', function: 'detectAnomaly' });
    expect(await reply('available', 'r1')).toMatchObject({ function: 'detectAnomaly' });
    await say('confirm', { requestId: 'r1' });
    await reply('ready', 'r1');
    await say('invoke', { requestId: 'i1', function: 'detectAnomaly', input: SAMPLES });
    const result = await reply('result', 'i1');
    expect(result).toMatchObject({ location: 'edge' });
    expect(result['output']).toHaveProperty('anomalies');
    // The deployment that brought the function left the bridge where it was.
    expect(await asComponent(BRIDGE_COMMAND)).toBeDefined();
  },
  2 * MINUTE,
);

it('answers what is wrong with a message as it does on its own broker', async () => {
  await say('join', { requestId: 'u1' }, 'stranger-1');
  expect(await reply('failed', 'u1', 'stranger-1')).toMatchObject({ error: { code: 'UNKNOWN_DEVICE' } });
  const input = 'x'.repeat(MAX_MQTT_PAYLOAD);
  await say('invoke', { requestId: 'b1', function: 'detectAnomaly', input });
  expect(await reply('failed', 'b1')).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
  await say('reboot', { requestId: 'f1' });
  expect(await reply('failed', 'f1')).toMatchObject({ error: { code: 'FORBIDDEN_TOPIC' } });
});

it('refuses a device that was revoked', async () => {
  const answer = bridge.subscribe('subscribeToTopic', { topic: 'edge/status' });
  const status = await answer;
  await succeeded(run('device', 'remove', '--name', DEVICE, '--group', GROUP));
  await status.message(0);
  await until('the definition without it', async () => {
    const requestId = `v${Date.now()}`;
    await say('invoke', { requestId, function: 'detectAnomaly', input: SAMPLES });
    const answered = await until('an answer', () =>
      received().find(({ message }) => message['requestId'] === requestId),
    );
    return answered.message.error?.code === 'DEVICE_REVOKED' || undefined;
  });
});

it('has rights to the topics of its devices and to no others', async () => {
  const core = await asComponent('core.cjs');
  const publish = (topic: string) =>
    core.request('publishToTopic', { topic, publishMessage: { binaryMessage: { message: '{}' } } });
  for (const topic of ['edge/sensor-9/ask/join', 'edge/sensor-9/call/x', 'other/sensor-9/reply/ready']) {
    await expect(publish(topic)).rejects.toThrow('is not authorized');
  }
  for (const topic of ['#', 'edge/#', 'edge/+/reply/+', 'edge/sensor-9/ask/join']) {
    await expect(core.subscribe('subscribeToTopic', { topic })).rejects.toThrow('is not authorized');
  }
  await publish('edge/sensor-9/reply/ready');
  await publish('edge/shared/alarms/line-1');
});

it(
  'has nothing to be done on a core device that runs already',
  async () => {
    const args = ['core', 'init', '--group', GROUP, '--out', 'elsewhere', '--devices', 'pubsub', '--local'];
    const { code, stdout } = await sls(serviceDir, ['edge', ...args]);
    expect(code).toBe(0);
    expect(stdout).toContain('was deployed already');
    expect(stdout).toContain('Nothing has to be done on the node');
    expect(stdout).toContain('docs/engines.md');
    expect(await readdir(path.join(serviceDir, 'elsewhere'))).toEqual(['README.md']);
  },
  MINUTE,
);

it(
  'has no rights to them with a broker of its own',
  async () => {
    const folder = path.join(serviceDir, 'etc');
    const listening = nucleus.waitFor('listening', { fresh: true, timeoutMs: MINUTE });
    await mkdir(folder);
    const args = ['--port', '18884', '--server-dir', folder];
    // Laid down before the core starts with them, as install.sh does.
    const done = init(...args);
    for (const file of ['server.pem', 'server.key']) {
      const made = path.join(serviceDir, 'node', file);
      await until(file, () => existsSync(made) || undefined, MINUTE);
      await copyFile(made, path.join(folder, file));
    }
    await succeeded(done);
    expect(await listening).toMatchObject({ port: 18_884 });
    const core = await asComponent('core.cjs');
    const message = { topic: 'edge/sensor-9/reply/ready', publishMessage: { jsonMessage: { message: {} } } };
    await expect(core.request('publishToTopic', message)).rejects.toThrow('is not authorized');
    expect(await readListener(environment, GROUP)).toMatchObject({ port: 18_884 });
    expect((await policiesOf(made.certificateId)).join()).not.toContain('.clients.');
  },
  2 * MINUTE,
);

async function policiesOf(certificateId: string): Promise<string[]> {
  const target = await environment.operator.certificateArn(certificateId);
  const { policies = [] } = await environment.operator.clients.iot.send(
    new ListAttachedPoliciesCommand({ target }),
  );
  return policies.map(({ policyName = '' }) => policyName);
}

/** Beside all that the core device has: a deployment replaces the whole map. */
async function deployBridge(): Promise<void> {
  const { greengrass } = environment.operator.clients;
  const policy = { operations: ['*'], resources: ['edge/*'] };
  const recipe = {
    RecipeFormatVersion: '2020-01-25' as const,
    ComponentName: BRIDGE,
    ComponentVersion: '1.0.0',
    ComponentConfiguration: {
      DefaultConfiguration: { accessControl: { 'aws.greengrass.ipc.pubsub': { [`${BRIDGE}:1`]: policy } } },
    },
    Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { run: `exec ${BRIDGE_COMMAND}` } }],
  };
  await greengrass.send(new CreateComponentVersionCommand({ inlineRecipe: encodeRecipe(recipe) }));
  const { targetArn } = made.deployment;
  const { deployments = [] } = await greengrass.send(new ListDeploymentsCommand({ targetArn }));
  const { deploymentId } = deployments[0] ?? {};
  const { components } = await greengrass.send(new GetDeploymentCommand({ deploymentId }));
  const running = nucleus.waitFor('component', {
    where: ({ component, state }) => component === BRIDGE && state === 'RUNNING',
  });
  await greengrass.send(
    new CreateDeploymentCommand({
      targetArn,
      components: { ...components, [BRIDGE]: { componentVersion: '1.0.0' } },
    }),
  );
  await running;
}

/** Speaks as the component whose process has this in its command line, through the SDK's IPC client. */
async function asComponent(command: string): Promise<IpcComponent> {
  const { pid } = await until(`the process of ${command}`, async () =>
    (await processTree(nucleus.pid)).find((each) => each.command.includes(command)),
  );
  const variables = Object.fromEntries(
    (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').map((each) => each.split(/=(.*)/s)),
  ) as Record<string, string>;
  const socket = variables['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT'] ?? '';
  const component = await connectComponent(socket, variables['SVCUID'] ?? '');
  connected.push(component);
  return component;
}

/** As the bridge relays it: the bytes that the device published. */
function say(ask: string, message: object, device = DEVICE): Promise<unknown> {
  const binaryMessage = { message: JSON.stringify(message) };
  return bridge.request('publishToTopic', {
    topic: `edge/${device}/ask/${ask}`,
    publishMessage: { binaryMessage },
  });
}

function received(): { topic: string; message: Reply }[] {
  return (replies.messages as { binaryMessage: { message: string; context: { topic: string } } }[]).map(
    ({ binaryMessage: { message, context } }) => ({
      topic: context.topic,
      message: JSON.parse(message) as Reply,
    }),
  );
}

/** The answer of that kind, on the device's own topic; every other end of the request is a failure. */
async function reply(kind: string, requestId: string, device = DEVICE): Promise<Reply> {
  const ends = [kind, 'failed'].map((each) => `edge/${device}/reply/${each}`);
  const { topic, message } = await until(
    `${kind} ${requestId}`,
    () => received().find((each) => ends.includes(each.topic) && each.message['requestId'] === requestId),
    30_000,
  );
  if (topic !== ends[0]) throw new Error(JSON.stringify(message));
  return message;
}
