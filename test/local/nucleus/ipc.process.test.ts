import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { CloudMessage, CloudMqtt } from '../../../local/nucleus/cloud/mqtt';
import { ConfigurationStore } from '../../../local/nucleus/configuration/store';
import { UpdateNotices } from '../../../local/nucleus/deployment/updateNotices';
import { IpcAuthorisation, matchesResource } from '../../../local/nucleus/ipc/authorisation';
import { configurationOperations, lifecycleOperations } from '../../../local/nucleus/ipc/componentOperations';
import { iotCoreOperations, localTopicOperations } from '../../../local/nucleus/ipc/messaging';
import { startIpcServer, type IpcServer } from '../../../local/nucleus/ipc/server';
import { encodeMessage, MessageReader, MessageType, type RpcMessage } from '../../../local/nucleus/ipc/wire';
import { topicMatches } from '../../../local/services/iotCore/topics';
import { until } from '../../support/until';
import { connectComponent, type IpcComponent } from './ipcComponent';

const A = 'com.example.a';
const B = 'com.example.b';
const TOKENS: Record<string, string> = { 'token-a': A, 'token-b': B };

const policy = (operations: string[], resources: string[]) => ({ 'policy:1': { operations, resources } });
const ACCESS = {
  'aws.greengrass.ipc.pubsub': policy(
    ['aws.greengrass#PublishToTopic', 'aws.greengrass#SubscribeToTopic'],
    ['local/*'],
  ),
  'aws.greengrass.ipc.mqttproxy': policy(
    ['aws.greengrass#PublishToIoTCore', 'aws.greengrass#SubscribeToIoTCore'],
    ['cloud/+/a', 'all/#'],
  ),
};

/** A broker without a network. */
class MemoryMqtt implements CloudMqtt {
  readonly published: (CloudMessage & { qos: 0 | 1 })[] = [];
  readonly filters = new Map<string, (message: CloudMessage) => void>();
  publish(message: CloudMessage & { qos: 0 | 1 }): void {
    this.published.push(message);
    for (const [filter, listener] of this.filters) if (topicMatches(filter, message.topic)) listener(message);
  }
  async subscribe(
    filter: string,
    _qos: 0 | 1,
    listener: (message: CloudMessage) => void,
  ): Promise<() => void> {
    this.filters.set(filter, listener);
    return () => this.filters.delete(filter);
  }
  async close(): Promise<void> {}
}

let dir: string;
let server: IpcServer;
let mqtt: MemoryMqtt;
let configuration: ConfigurationStore;
let notices: UpdateNotices;
let states: [string, string][];
let components: IpcComponent[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ipc-'));
  const log = pino({ level: 'silent' });
  mqtt = new MemoryMqtt();
  notices = new UpdateNotices();
  states = [];
  components = [];
  configuration = new ConfigurationStore();
  configuration.put(A, { value: { accessControl: ACCESS, revision: 1, listen: { port: 8883 } }, times: {} });
  configuration.put(B, { value: {}, times: {} });
  const authorisation = new IpcAuthorisation((component) => configuration.of(component), log);
  server = await startIpcServer({
    path: join(dir, 'ipc.socket'),
    operations: {
      ...localTopicOperations(authorisation),
      ...iotCoreOperations(mqtt, authorisation),
      ...configurationOperations(configuration),
      ...lifecycleOperations((component, state) => states.push([component, state]) > 0, notices),
    },
    authenticate: (token) => TOKENS[token],
    log,
  });
});
afterEach(async () => {
  await Promise.all(components.map((component) => component.close()));
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

async function component(token = 'token-a'): Promise<IpcComponent> {
  const connected = await connectComponent(server.path, token);
  components.push(connected);
  return connected;
}

test('a component without a token of this nucleus is refused', async () => {
  await expect(component('somebody')).rejects.toThrow('refused');
});

test('local messages reach the subscribers of their topic', async () => {
  const a = await component();
  const other = await component();
  const all = await a.subscribe('subscribeToTopic', { topic: 'local/news' });
  const wild = await a.subscribe('subscribeToTopic', { topic: 'local/*' });
  await other.request('publishToTopic', {
    topic: 'local/news',
    publishMessage: { jsonMessage: { message: { n: 1 } } },
  });
  await a.request('publishToTopic', {
    topic: 'local/news',
    publishMessage: { binaryMessage: { message: 'bytes' } },
  });
  expect(await all.message(0)).toEqual({
    jsonMessage: { message: { n: 1 }, context: { topic: 'local/news' } },
  });
  expect(await all.message(1)).toEqual({
    binaryMessage: { message: 'bytes', context: { topic: 'local/news' } },
  });
  expect(wild.messages).toEqual([]);
});

test('a filter with MQTT wildcards leaves out what the component says itself, unless it asks for all', async () => {
  configuration.merge(A, ['accessControl', 'aws.greengrass.ipc.pubsub', 'policy:1'], { resources: ['*'] }, 5);
  configuration.merge(B, [], { accessControl: configuration.at(A, ['accessControl']) }, 5);
  const a = await component();
  const b = await component('token-b');
  const others = await a.subscribe('subscribeToTopic', { topic: 'local/+' });
  const all = await a.subscribe('subscribeToTopic', {
    topic: 'local/#',
    receiveMode: 'RECEIVE_ALL_MESSAGES',
  });
  await a.request('publishToTopic', {
    topic: 'local/x',
    publishMessage: { jsonMessage: { message: { from: 'a' } } },
  });
  await b.request('publishToTopic', {
    topic: 'local/x',
    publishMessage: { jsonMessage: { message: { from: 'b' } } },
  });
  expect(await all.message(1)).toMatchObject({ jsonMessage: { message: { from: 'b' } } });
  expect(await others.message(0)).toMatchObject({ jsonMessage: { message: { from: 'b' } } });
});

test('messages go to and come from AWS IoT Core', async () => {
  const a = await component();
  const subscription = await a.subscribe('subscribeToIoTCore', { topicName: 'cloud/+/a', qos: '1' });
  await a.request('publishToIoTCore', { topicName: 'cloud/x/a', qos: '1', payload: 'hello' });
  expect(mqtt.published).toEqual([
    { topic: 'cloud/x/a', qos: 1, retain: false, payload: Buffer.from('hello') },
  ]);
  expect(await subscription.message(0)).toMatchObject({
    message: { topicName: 'cloud/x/a', payload: 'hello' },
  });
  subscription.end();
  await until('the end of the subscription', () => (mqtt.filters.size === 0 ? true : undefined));
});

test.each<[string, string, object]>([
  ['publishToIoTCore', 'cloud/x/b', { topicName: 'cloud/x/b', qos: '0', payload: '' }],
  ['subscribeToIoTCore', 'cloud/#', { topicName: 'cloud/#', qos: '0' }],
  ['publishToTopic', 'elsewhere', { topic: 'elsewhere', publishMessage: { jsonMessage: { message: {} } } }],
  ['subscribeToTopic', '#', { topic: '#' }],
])('%s on %s is not allowed by accessControl', async (operation, resource, input) => {
  const a = await component();
  const attempt = operation.startsWith('subscribe')
    ? a.subscribe(operation, input)
    : a.request(operation, input);
  await expect(attempt).rejects.toThrow(`is not authorized to perform`);
  await expect(attempt).rejects.toThrow(resource);
});

test('configuration is read, watched and updated', async () => {
  const a = await component();
  expect(await a.request('getConfiguration', { keyPath: ['listen'] })).toEqual({
    componentName: A,
    value: { port: 8883 },
  });
  expect(await a.request('getConfiguration', { keyPath: ['revision'] })).toEqual({
    componentName: A,
    value: { revision: 1 },
  });
  expect(await a.request('getConfiguration', { componentName: B, keyPath: [] })).toEqual({
    componentName: B,
    value: {},
  });
  await expect(a.request('getConfiguration', { keyPath: ['nothing'] })).rejects.toThrow('Key not found');

  const watched = await a.subscribe('subscribeToConfigurationUpdate', { keyPath: ['revision'] });
  configuration.merge(A, [], { revision: 2, other: true }, 10);
  expect(await watched.message(0)).toEqual({
    configurationUpdateEvent: { componentName: A, keyPath: ['revision'] },
  });
  expect(watched.messages).toHaveLength(1);

  await a.request('updateConfiguration', { keyPath: ['listen'], timestamp: 20, valueToMerge: { port: 9 } });
  expect(configuration.at(A, ['listen', 'port'])).toBe(9);
  const late = a.request('updateConfiguration', {
    keyPath: ['listen'],
    timestamp: 19,
    valueToMerge: { port: 1 },
  });
  await expect(late).rejects.toThrow('older');
  const grab = a.request('updateConfiguration', {
    keyPath: [],
    timestamp: 21,
    valueToMerge: { accessControl: {} },
  });
  await expect(grab).rejects.toThrow('not allowed');
});

test('a component reports its state, and defers an update once', async () => {
  const a = await component();
  await a.request('updateState', { state: 'RUNNING' });
  expect(states).toEqual([[A, 'RUNNING']]);
  const early = a.request('deferComponentUpdate', { deploymentId: 'd1', recheckAfterMs: 1 });
  await expect(early).rejects.toThrow('not subscribed');

  const updates = await a.subscribe('subscribeToComponentUpdates', {});
  const agreed = notices.ask('d1', 60_000);
  expect(await updates.message(0)).toEqual({
    preUpdateEvent: { deploymentId: 'd1', isGgcRestarting: false },
  });
  await a.request('deferComponentUpdate', { deploymentId: 'd1', recheckAfterMs: 1 });
  expect(await updates.message(1)).toEqual({
    preUpdateEvent: { deploymentId: 'd1', isGgcRestarting: false },
  });
  await a.request('deferComponentUpdate', { deploymentId: 'd1', recheckAfterMs: 0 });
  await agreed;
  notices.done('d1');
  expect(await updates.message(2)).toEqual({ postUpdateEvent: { deploymentId: 'd1' } });
});

test('what the nucleus does not have is refused, and the connection lives on', async () => {
  const a = await component();
  await expect(a.request('listComponents', {})).rejects.toMatchObject({
    description: expect.stringContaining('ListComponents is not supported') as string,
  });
  expect(await a.request('getConfiguration', { keyPath: ['revision'] })).toBeDefined();
});

test('bytes that are no message end that connection only', async () => {
  const a = await component();
  const socket = connect(server.path);
  socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(await a.request('getConfiguration', { keyPath: ['revision'] })).toBeDefined();
});

test('frames cut anywhere are put together again', () => {
  const message: RpcMessage = {
    type: MessageType.ApplicationMessage,
    flags: 0,
    streamId: 7,
    headers: { operation: 'aws.greengrass#GetConfiguration' },
    payload: Buffer.from('{"keyPath":[]}'),
  };
  const bytes = Buffer.concat([encodeMessage(message), encodeMessage({ ...message, streamId: 8 })]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const reader = new MessageReader();
    const messages = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
    expect(messages.map(({ streamId }) => streamId)).toEqual([7, 8]);
  }
  const broken = Buffer.from(bytes);
  broken[20] = (broken[20] ?? 0) ^ 1;
  expect(() => new MessageReader().push(broken)).toThrow();
});

test.each<[string, string, boolean, boolean]>([
  ['a/*', 'a/b/c', true, true],
  ['a/*/d', 'a/b/c/d', true, true],
  ['a/+/c', 'a/b/c', true, true],
  ['a/+/c', 'a/b/c', false, false],
  ['a/+/c', 'a/+/c', false, true],
  ['a/+/c', 'a/x/y/c', true, false],
  ['a/#', 'a', true, true],
  ['a/#', 'a/b/c', true, true],
  ['a/#', 'a/b', false, false],
  ['a/#', 'a/#', false, true],
  ['#', 'any/thing', true, true],
  ['*', 'any/thing', false, true],
  ['a/${*}', 'a/*', false, true],
  ['a/${*}', 'a/b', false, false],
  ['a.b', 'axb', true, false],
  ['$aws/things/+/shadow', '$aws/things/x/shadow', true, true],
])('resource %s and %s, in the style of MQTT %s: %s', (pattern, resource, mqttStyle, expected) => {
  expect(matchesResource(pattern, resource, mqttStyle)).toBe(expected);
});
