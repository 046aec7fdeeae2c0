import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { until } from '../../support/until';
import { addDevice, allow } from '../services/iotCore/harness';
import { connectComponent, type IpcComponent } from './ipcComponent';
import { isAlive, startCore, type TestCore } from './core';

const A = 'com.example.a';
const B = 'com.example.b';
const ONE = { componentVersion: '1.0.0' };
const TOKENS = { componentVersion: '2.0.3' };

/** Components under a nucleus in a process of its own: IPC, token exchange, what they say of themselves. */
let core: TestCore;
let connected: IpcComponent[];
beforeEach(async () => {
  connected = [];
  core = await startCore();
});
afterEach(async () => {
  await Promise.all(connected.map((one) => one.close()));
  await core.close();
});

const all = (service: string) => ({ [service]: { [`${A}:all`]: { operations: ['*'], resources: ['*'] } } });
const ACCESS = { ...all('aws.greengrass.ipc.mqttproxy'), ...all('aws.greengrass.ipc.pubsub') };
const configured = (more: object) => ({
  ComponentConfiguration: { DefaultConfiguration: { accessControl: ACCESS, ...more } },
});

/** Speaks as the component that runs now, through the SDK's IPC client. */
async function asComponent(name: string): Promise<IpcComponent> {
  const token = (await core.workFile(name, 'token')).trim();
  const one = await connectComponent(join(core.root, 'ipc.socket'), token);
  connected.push(one);
  return one;
}
const RUN = 'echo $SVCUID > token; echo $$ > pid; exec sleep 1000';

test('a deployment changes the configuration of a component that runs on, and tells it', async () => {
  await core.component(A, '1.0.0', { run: RUN }, configured({ revision: 1 }));
  await core.deploy({ [A]: ONE });
  const pid = Number(await core.workFile(A, 'pid'));
  const a = await asComponent(A);
  const watched = await a.subscribe('subscribeToConfigurationUpdate', { keyPath: ['revision'] });
  await core.deploy({ [A]: { ...ONE, configurationUpdate: { merge: '{"revision":7}' } } });
  expect(await watched.message(0)).toEqual({
    configurationUpdateEvent: { componentName: A, keyPath: ['revision'] },
  });
  expect(await a.request('getConfiguration', { keyPath: ['revision'] })).toMatchObject({
    value: { revision: 7 },
  });
  expect(isAlive(pid)).toBe(true);
});

test('a failed deployment puts the configuration back, and tells that, too', async () => {
  await core.lookLate();
  await core.component(A, '1.0.0', { run: RUN }, configured({ revision: 1 }));
  await core.component(B, '1.0.0', { run: 'exit 1' });
  await core.deploy({ [A]: ONE });
  const a = await asComponent(A);
  const watched = await a.subscribe('subscribeToConfigurationUpdate', { keyPath: ['revision'] });
  await core.deploy({ [A]: { ...ONE, configurationUpdate: { merge: '{"revision":7}' } }, [B]: ONE });
  await watched.message(1);
  expect(await a.request('getConfiguration', { keyPath: ['revision'] })).toMatchObject({
    value: { revision: 1 },
  });
});

test('what a component wrote into its configuration survives deployments and a restart', async () => {
  await core.component(A, '1.0.0', { run: RUN }, configured({ state: { seen: 0 } }));
  await core.component(B, '1.0.0', { run: RUN });
  await core.deploy({ [A]: ONE });
  const a = await asComponent(A);
  await a.request('updateConfiguration', {
    keyPath: ['state'],
    timestamp: Date.now(),
    valueToMerge: { seen: 5 },
  });
  await core.deploy({ [A]: ONE, [B]: ONE });
  expect(await a.request('getConfiguration', { keyPath: ['state'] })).toMatchObject({ value: { seen: 5 } });
  await core.nucleus.stop();
  await core.startNucleus();
  await core.state(A, 'RUNNING');
  await until('the token of the next process', async () => {
    const again = await asComponent(A).catch(() => undefined);
    return again?.request('getConfiguration', { keyPath: ['state', 'seen'] });
  }).then((found) => expect(found).toMatchObject({ value: { seen: 5 } }));
});

test('messages of a component travel through the connection of the core', async () => {
  const { iotCore } = core.cloud.services;
  const listener = await addDevice({ iotCore, authority: core.cloud.authority } as never, 'listener', [
    allow('iot:*', '*'),
  ]);
  const client = mqtt.connect({
    protocol: 'mqtts',
    ...core.cloud.endpoints.mqtt,
    clientId: 'listener',
    cert: listener.certificatePem,
    key: listener.privateKeyPem,
    ca: core.cloud.authority.certificatePem,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  const messages: string[] = [];
  client.on('message', (topic, payload) => messages.push(`${topic} ${payload.toString()}`));
  await client.subscribeAsync('up/#', { qos: 1 });

  await core.component(A, '1.0.0', { run: RUN }, configured({}));
  await core.deploy({ [A]: ONE });
  const a = await asComponent(A);
  const subscription = await a.subscribe('subscribeToIoTCore', { topicName: 'down/+', qos: '1' });
  await a.request('publishToIoTCore', { topicName: 'up/1', qos: '1', payload: 'hello' });
  await until('the message in the cloud', () => messages[0]);
  expect(messages).toEqual(['up/1 hello']);
  await client.publishAsync('down/1', 'hi', { qos: 1 });
  expect(await subscription.message(0)).toMatchObject({ message: { topicName: 'down/1', payload: 'hi' } });
  await client.endAsync();
});

test('components have the credentials of the token exchange role, if they depend on it', async () => {
  const script = join(core.root, '..', 'credentials.mjs');
  await writeFile(
    script,
    `const url = process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI?.replace('localhost', '127.0.0.1');
     const ask = async (authorization) => (await fetch(url, { headers: { authorization } }));
     const refused = await ask('nobody');
     const given = await ask(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN);
     console.log(JSON.stringify({ event: 'credentials', refused: refused.status, keys: Object.keys(await given.json()) }));`,
  );
  await core.component(
    A,
    '1.0.0',
    { run: `"${process.execPath}" ${script}` },
    {
      ComponentDependencies: {
        'aws.greengrass.TokenExchangeService': { VersionRequirement: '^2.0.0', DependencyType: 'HARD' },
      },
    },
  );
  await core.deploy({ [A]: ONE });
  expect(await core.nucleus.waitFor('credentials')).toMatchObject({
    refused: 403,
    keys: ['AccessKeyId', 'SecretAccessKey', 'Token', 'Expiration'],
  });
  await core.component(B, '1.0.0', { run: 'env > environment' });
  await core.deploy({ [B]: ONE });
  expect(await core.workFile(B, 'environment')).not.toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  expect(TOKENS).toBeDefined();
});

test('a component that starts up runs when it says so', async () => {
  await core.component(A, '1.0.0', { startup: { Script: `touch {work:path}/begun; ${RUN}`, Timeout: 20 } });
  const deployed = core.deploy({ [A]: ONE });
  await core.state(A, 'STARTING');
  await core.workFile(A, 'pid');
  const a = await asComponent(A);
  await a.request('updateState', { state: 'RUNNING' });
  expect((await deployed).coreDeviceExecutionStatus).toBe('COMPLETED');
  await a.request('updateState', { state: 'ERRORED' });
  await core.state(A, 'ERRORED');
});

test('a deployment that notifies waits for components to agree', async () => {
  await core.component(A, '1.0.0', { run: RUN });
  await core.component(B, '1.0.0', { run: RUN });
  await core.deploy({ [A]: ONE });
  const a = await asComponent(A);
  const updates = await a.subscribe('subscribeToComponentUpdates', {});
  const componentUpdatePolicy = { action: 'NOTIFY_COMPONENTS' as const, timeoutInSeconds: 60 };
  const deployed = core.deploy({ [A]: ONE, [B]: ONE }, { deploymentPolicies: { componentUpdatePolicy } });
  const asked = (await updates.message(0)) as { preUpdateEvent: { deploymentId: string } };
  expect(Object.keys(await core.installed())).toEqual([`${A}:1.0.0`]);
  const { deploymentId } = asked.preUpdateEvent;
  await a.request('deferComponentUpdate', { deploymentId, recheckAfterMs: 0 });
  expect((await deployed).coreDeviceExecutionStatus).toBe('COMPLETED');
  expect(await updates.message(1)).toEqual({ postUpdateEvent: { deploymentId } });

  const skip = { componentUpdatePolicy: { action: 'SKIP_NOTIFY_COMPONENTS' as const } };
  await core.deploy({ [A]: ONE }, { deploymentPolicies: skip });
  expect(updates.messages.filter((one) => Object.hasOwn(one as object, 'preUpdateEvent'))).toHaveLength(1);
});

test('steps are skipped, limited in time, and have their conditions', async () => {
  await core.component(A, '1.0.0', {
    install: { Skipif: 'onpath sh', Script: 'exit 1' },
    run: { Script: 'touch {work:path}/ran' },
  });
  await core.component(B, '1.0.0', { install: { Script: 'sleep 1000', Timeout: 1 }, run: RUN });
  await core.deploy({ [A]: ONE });
  await core.state(A, 'FINISHED');
  expect((await core.deploy({ [B]: ONE })).reason).toContain('install took too long');
});

test('a component that uses more memory than its deployment allows is killed', async () => {
  const hoard = `"${process.execPath}" -e "globalThis.kept = Buffer.alloc(3e8, 1); setInterval(() => {}, 1e6)"`;
  await core.component(A, '1.0.0', { run: `${hoard} & wait $!` });
  const limited = { ...ONE, runWith: { systemResourceLimits: { memory: 200 * 1024 } } };
  const failure = await core.deploy(
    { [A]: limited },
    { deploymentPolicies: { failureHandlingPolicy: 'DO_NOTHING' } },
  );
  // It may have looked well when the deployment looked, as on a real core.
  if (failure.coreDeviceExecutionStatus === 'FAILED')
    expect(failure.reason).toContain('run exited with a signal');
  await core.state(A, 'BROKEN');
});
