import { randomUUID } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import pino from 'pino';
import { coreConfigSchema } from '../../protocol/coreConfig';
import { connectCloud } from '../../edge/platforms/standalone/connection';
import type { CloudConnection } from '../../edge/ports';
import type { CoreUpdate, GroupDefinition } from '../../protocol';
import { cloudState } from '../support/cloudState';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { LogLines } from '../support/logLines';
import { definitionOf } from '../support/operatorChange';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';

/** A core with a certificate and a group of its own, and what it may not do to another group. */
const FUNCTION = 'detectAnomaly';
const NOT_AUTHORISED = 5;

let environment: TestEnvironment;
let other: CoreIdentity & { certificateId: string };
let before: GroupDefinition;
let bystander: SteadyCaller;
/** The cloud's. */
const log = new LogLines();

beforeAll(async () => {
  environment = await startTestEnvironment({ log: pino({ level: 'info' }, log) });
  await environment.startEdge(GROUP);
  other = await environment.operator.provisionThing({
    thingName: 'yard-core',
    policyName: environment.outputs.corePolicy,
  });
  const { thingName, certificateId } = other;
  await environment.updateGroup({ group: 'yard', core: { thingName, certificateId } });
  bystander = keepCalling(await environment.connectDevice('sensor-1'), 'smoothSignal', { samples: [1, 2] });
  before = await definitionOf(environment);
});
afterAll(() => environment?.close());

const topicOf = (core: string, kind: string) => `${environment.outputs.corePrefix}/core/${core}/${kind}`;

/** Refused publishes end the connection, as on AWS. */
async function publishRefused(client: MqttClient, topic: string, message: object): Promise<void> {
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.publish(topic, JSON.stringify(message), { qos: 1 });
  await closed;
}

describe('a core', () => {
  it.each(['update', 'status', 'revision', 'accepted'])(
    'may not publish %s of another core',
    async (kind) => {
      const client = await connectCore(other);
      await publishRefused(client, topicOf('edge-demo-dev-workshop-core', kind), updateOf(GROUP));
      const resource = new RegExp(`/core/edge-demo-dev-workshop-core/${kind}$`);
      await log.waitFor({ action: 'iot:Publish', resource, clientId: 'yard-core' });
    },
  );

  it.each(['revision', 'refused'])('may not hear %s of another core', async (kind) => {
    const client = await connectCore(other);
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.subscribe(topicOf('edge-demo-dev-workshop-core', kind));
    await closed;
    const resource = new RegExp(`/core/edge-demo-dev-workshop-core/${kind}$`);
    await log.waitFor({ action: 'iot:Subscribe', resource, clientId: 'yard-core' });
  });

  it('may not connect under the name of another core', async () => {
    const connecting = connectCore({ ...other, thingName: 'edge-demo-dev-workshop-core' });
    await expect(connecting).rejects.toMatchObject({ code: NOT_AUTHORISED });
    await log.waitFor({ action: 'iot:Connect', resource: /client\/edge-demo-dev-workshop-core$/ });
  });

  it('may not change another group on its own topic', async () => {
    const own = await connectCore(other);
    await own.subscribeAsync(topicOf('yard-core', 'refused'), { qos: 1 });
    const refused = nextMessage(own);
    const update = updateOf(GROUP);
    await own.publishAsync(topicOf('yard-core', 'update'), JSON.stringify(update), { qos: 1 });
    const { requestId } = update;
    await expect(refused).resolves.toMatchObject({ requestId, error: { code: 'CORE_NOT_AUTHORISED' } });
    await own.endAsync();
  });

  it('may not change its own group for devices that are not in it', async () => {
    const own = await connectCore(other);
    await own.subscribeAsync(topicOf('yard-core', 'refused'), { qos: 1 });
    const refused = nextMessage(own);
    const update = updateOf('yard');
    await own.publishAsync(topicOf('yard-core', 'update'), JSON.stringify(update), { qos: 1 });
    const { requestId } = update;
    await expect(refused).resolves.toMatchObject({
      requestId,
      error: { code: 'UNKNOWN_DEVICE', field: 'claims.0.device' },
    });
    await own.endAsync();
  });

  it('gets nothing of another group over HTTP', async () => {
    const { cloud, close } = connectPretender(other);
    const refusal = { code: 'CORE_NOT_AUTHORISED', details: { group: GROUP } };
    const asked = { requestId: 'r', device: 'sensor-1', platform: PLATFORM, location: 'edge' as const };
    await expect(cloud.definition()).rejects.toMatchObject(refusal);
    await expect(cloud.validate('smoothSignal', asked)).rejects.toMatchObject(refusal);
    await expect(cloud.locate('0'.repeat(64))).rejects.toMatchObject(refusal);
    await expect(cloud.device(other.certificateId)).rejects.toMatchObject(refusal);
    const called = { requestId: 'r', device: 'sensor-1' };
    await expect(cloud.invoke('trainModel', called, 5_000)).rejects.toMatchObject(refusal);
    await close();
  });

  it('left nothing behind, and the devices of that group noticed nothing', async () => {
    await expect(bystander.stop()).resolves.toBeGreaterThan(0);
    await environment.cloud.idle();
    const state = cloudState(environment);
    await expect(state.objects(environment.outputs.stateBucket, 'requests/')).resolves.toEqual([]);
    state.close();
    await expect(definitionOf(environment)).resolves.toEqual(before);
  });
});

function updateOf(group: string): CoreUpdate {
  const claim = { device: 'sensor-1', function: FUNCTION, version: '1.2.0', seq: 1_000 };
  return { requestId: randomUUID(), group, claims: [claim], joins: [] };
}

interface CoreIdentity {
  thingName: string;
  certificatePem: string;
  privateKeyPem: string;
}

async function connectCore({ thingName, certificatePem, privateKeyPem }: CoreIdentity): Promise<MqttClient> {
  const { cloud } = environment;
  const client = mqtt.connect({
    protocol: 'mqtts',
    ...cloud.endpoints.mqtt,
    clientId: thingName,
    cert: certificatePem,
    key: privateKeyPem,
    ca: cloud.authority.certificatePem,
    reconnectPeriod: 0,
  });
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
  client.on('error', () => undefined);
  return client;
}

const PLATFORM = { node: process.versions.node, architecture: process.arch, os: process.platform };

/** A core's own ways to the cloud, with its own certificate, for a group that is not its own. */
function connectPretender(core: CoreIdentity): CloudConnection {
  const { cloud, outputs } = environment;
  const config = coreConfigSchema.parse({
    core: core.thingName,
    group: GROUP,
    stateDir: 'none',
    corePrefix: outputs.corePrefix,
    listen: { certificate: 'none', privateKey: 'none' },
    upstream: {
      region: cloud.region,
      certificate: 'none',
      privateKey: 'none',
      mqtt: cloud.endpoints.mqtt,
      httpUrl: outputs.httpApiUrl,
      credentialsUrl: cloud.endpoints.iotTls,
      roleAlias: outputs.roleAlias,
    },
  });
  const identity = {
    ca: cloud.authority.certificatePem,
    certificate: core.certificatePem,
    privateKey: core.privateKeyPem,
  };
  const silent = pino({ level: 'silent' });
  return connectCloud(config, identity, silent);
}

function nextMessage(client: MqttClient): Promise<unknown> {
  return new Promise((resolve) =>
    client.once('message', (_topic, payload) => resolve(JSON.parse(payload.toString('utf8')))),
  );
}
