import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import pino from 'pino';
import { loadOrCreateAuthority, type CertificateAuthority } from '../../../../lib/x509/authority';
import { type IssuedCertificate } from '../../../../lib/x509/issue';
import type {
  CloudContext,
  Credentials,
  PolicyStatement,
  RoleDefinition,
} from '../../../../local/base/context';
import { EventDelivery } from '../../../../local/base/events';
import { createIam } from '../../../../local/services/iam';
import { createIotCore, type IotCore } from '../../../../local/services/iotCore';

export const REGION = 'eu-central-1';
export const ACCOUNT = '000000000000';

interface LogLine extends Record<string, unknown> {
  msg: string;
}

/** IoT Core on a fresh folder, with everything that a test may want to reach. */
export interface TestCloud {
  cloud: CloudContext;
  iotCore: IotCore;
  authority: CertificateAuthority;
  log: LogLine[];
  iot: IoTClient;
  data: IoTDataPlaneClient;
  /** Stops IoT Core and starts it anew on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startCloud(): Promise<TestCloud> {
  const stateDir = await mkdtemp(join(tmpdir(), 'iot-core-'));
  const log: LogLine[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => log.push(JSON.parse(line) as LogLine) });
  const events = new EventDelivery({ log: logger });
  const iam = createIam({ account: ACCOUNT, region: REGION, log: logger });
  const cloud: CloudContext = {
    account: ACCOUNT,
    region: REGION,
    host: '127.0.0.1',
    stateDir,
    log: logger,
    iam,
    events,
    trace: () => undefined,
  };
  const authority = await loadOrCreateAuthority(join(stateDir, 'authority'));
  const test = { cloud, authority, log } as TestCloud;
  const start = async (): Promise<void> => {
    test.iotCore = await createIotCore(cloud, { authority });
    test.iot = new IoTClient(clientConfig(test.iotCore.controlUrl, iam.operator));
    test.data = new IoTDataPlaneClient(clientConfig(test.iotCore.dataUrl, iam.operator));
  };
  const stop = async (): Promise<void> => {
    test.iot.destroy();
    test.data.destroy();
    await test.iotCore.close();
  };
  test.restart = async () => {
    await stop();
    await start();
  };
  test.close = async () => {
    await stop();
    await events.close();
    await rm(stateDir, { recursive: true, force: true });
  };
  await start();
  return test;
}

export function clientConfig(endpoint: string, { accessKeyId, secretAccessKey, sessionToken }: Credentials) {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
  return { endpoint, region: REGION, maxAttempts: 1, credentials };
}

/** Credentials of a role that has only these statements. */
export function roleCredentials(
  { cloud }: TestCloud,
  statements: PolicyStatement[],
  service = 'lambda.amazonaws.com',
): Credentials {
  const role = roleOf(`role-${Math.random().toString(36).slice(2)}`, service, statements);
  return cloud.iam.assumeRole(cloud.iam.putRole(role).arn, 'session', service);
}

export function roleOf(name: string, service: string, statements: PolicyStatement[]): RoleDefinition {
  return {
    name,
    assumeRolePolicy: {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' } as never,
    },
    policies: [{ Version: '2012-10-17', Statement: statements }],
  };
}

export function arn(path: string): string {
  return `arn:aws:iot:${REGION}:${ACCOUNT}:${path}`;
}

export function allow(Action: string | string[], Resource: string | string[]): PolicyStatement {
  return { Effect: 'Allow', Action, Resource };
}

const THING = '${iot:Connection.Thing.ThingName}';
/** What most tests give a device: everything below its own name. */
export const OWN_TOPICS: PolicyStatement[] = [
  allow('iot:Connect', arn(`client/${THING}`)),
  allow(['iot:Publish', 'iot:Receive', 'iot:RetainPublish'], arn(`topic/${THING}/*`)),
  allow('iot:Subscribe', arn(`topicfilter/${THING}/*`)),
];

export interface Device extends IssuedCertificate {
  thingName: string;
}

/** A thing with an active certificate and a policy of its own. */
export async function addDevice(
  { iotCore, authority }: TestCloud,
  thingName: string,
  statements: PolicyStatement[] = OWN_TOPICS,
  validity: { notBefore?: Date; notAfter?: Date } = {},
): Promise<Device> {
  const issued = await authority.issueClient({ commonName: thingName, ...validity });
  const { things, certificates } = iotCore.registry;
  certificates.register(issued.certificatePem, 'ACTIVE');
  iotCore.registry.things.create(thingName);
  things.attach(thingName, issued.certificateId);
  iotCore.registry.policies.put(`${thingName}-policy`, { Version: '2012-10-17', Statement: statements });
  certificates.attachPolicy(issued.certificateId, `${thingName}-policy`);
  return { ...issued, thingName };
}

const open = new Set<MqttClient>();

/** Resolves when connected, rejects when the broker refuses. */
export async function connect(
  { iotCore, authority }: TestCloud,
  device: Device,
  options: Partial<IClientOptions> & ConnectionOptions = {},
): Promise<MqttClient> {
  const client = mqtt.connect({
    protocol: 'mqtts',
    host: iotCore.mqtt.host,
    port: iotCore.mqtt.port,
    clientId: device.thingName,
    cert: device.certificatePem,
    key: device.privateKeyPem,
    ca: authority.certificatePem,
    protocolVersion: 4,
    reconnectPeriod: 0,
    ...options,
  });
  open.add(client);
  client.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed before it was connected')));
  });
  return client;
}

export async function closeClients(): Promise<void> {
  await Promise.all([...open].map((client) => client.endAsync(true)));
  open.clear();
}

/** The next message on any topic. */
export function nextMessage(
  client: MqttClient,
): Promise<{ topic: string; payload: string; retain: boolean }> {
  return new Promise((resolve) =>
    client.once('message', (topic, payload, packet) =>
      resolve({ topic, payload: payload.toString(), retain: packet.retain }),
    ),
  );
}

export function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()));
}

/** How an operation ended: done, or with the end of the connection. */
export async function outcome(
  client: MqttClient,
  operation: Promise<unknown>,
): Promise<'done' | 'disconnected'> {
  const ended = closed(client).then(() => 'disconnected' as const);
  const done = operation.then(() => 'done' as const);
  done.catch(() => undefined);
  return Promise.race([ended, done.catch(() => ended)]);
}
