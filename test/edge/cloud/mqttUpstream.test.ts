import { once } from 'node:events';
import { createServer as createPlainServer, type AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { Aedes, type PublishPacket } from 'aedes';
import pino from 'pino';
import type { Upstream } from '../../../edge/ports';
import { MqttUpstream } from '../../../edge/cloud/mqttUpstream';
import { until } from '../../support/until';
import { EdgeError } from '../../../protocol';
import { selfSigned, type TestCertificate } from '../support/certificates';

/** A broker as the cloud has one: trusts the core's certificate, remembers what came up. */
class CloudBroker {
  readonly came: PublishPacket[] = [];
  refuseSubscriptions = false;
  /** Ends the connection of whoever publishes, as AWS IoT does where the policy denies it. */
  endsPublishers = false;
  publishes = 0;
  private aedes = new Aedes();
  private server: Server | undefined;
  private readonly sockets = new Set<TLSSocket>();

  constructor(
    private readonly identity: TestCertificate,
    private readonly trusted: TestCertificate,
  ) {}

  async listen(port = 0): Promise<number> {
    this.aedes = new Aedes({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, this.refuseSubscriptions ? null : subscription),
      authorizePublish: (_client, _packet, done) => {
        this.publishes += 1;
        done(this.endsPublishers ? new Error('denied') : null);
      },
    });
    await this.aedes.listen();
    this.aedes.on('publish', (packet, client) => {
      if (client !== null) this.came.push(packet);
    });
    const { certificate: cert, privateKey: key } = this.identity;
    const options = { cert, key, ca: this.trusted.certificate, requestCert: true, rejectUnauthorized: true };
    const server = createServer({ ...options, noDelay: true }, (socket) => {
      this.sockets.add(socket);
      this.aedes.handle(socket);
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  send(topic: string, message: unknown, retain = false): Promise<void> {
    const payload = typeof message === 'string' ? message : JSON.stringify(message);
    return new Promise((resolve) =>
      this.aedes.publish({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain }, () => resolve()),
    );
  }

  clients(): Promise<string> {
    return new Promise((resolve) => this.aedes.once('clientReady', ({ id }) => resolve(id)));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.aedes.close(() => resolve()));
    await closed;
  }
}

const UPDATE = { requestId: 'u1', group: 'plant', claims: [], joins: [] };

let identity: { server: TestCertificate; core: TestCertificate; stranger: TestCertificate };
let broker: CloudBroker;
let port: number;
let upstream: Upstream;

beforeAll(async () => {
  const [server, core, stranger] = await Promise.all(
    ['server', 'core-1', 'stranger'].map((n) => selfSigned(n)),
  );
  identity = { server, core, stranger } as typeof identity;
});

beforeEach(async () => {
  broker = new CloudBroker(identity.server, identity.core);
  port = await broker.listen();
});

afterEach(async () => {
  await upstream.close();
  await broker.close();
});

function connect(as: TestCertificate = identity.core, random = () => 1): MqttUpstream {
  const { certificate, privateKey } = as;
  const connecting = new MqttUpstream({
    ...{ core: 'core-1', corePrefix: 'edge/svc-dev', host: '127.0.0.1', port, certificate, privateKey },
    ...{ ca: identity.server.certificate, log: pino({ level: 'silent' }), random },
  });
  upstream = connecting;
  return connecting;
}

function connected(): Promise<void> {
  return new Promise((resolve) => upstream.on('connected', resolve));
}

test('connects as the core, hears the retained notice and the answers', async () => {
  await broker.send('edge/svc-dev/core/core-1/revision', { group: 'plant', revision: 4 }, true);
  const client = broker.clients();
  connect();
  const notice = new Promise((resolve) => upstream.on('revision', resolve));
  const accepted = new Promise((resolve) => upstream.on('accepted', resolve));
  const refused = new Promise((resolve) => upstream.on('refused', resolve));
  await connected();
  expect(await client).toBe('core-1');
  expect(upstream.connected).toBe(true);
  expect(await notice).toEqual({ group: 'plant', revision: 4 });
  await broker.send('edge/svc-dev/core/core-1/accepted', 'not JSON');
  await broker.send('edge/svc-dev/core/core-1/accepted', { requestId: 'u1' });
  expect(await accepted).toEqual({ requestId: 'u1' });
  const error = new EdgeError('NOT_ENTITLED').toJSON();
  await broker.send('edge/svc-dev/core/core-1/refused', { requestId: 'u2', error });
  expect(await refused).toEqual({ requestId: 'u2', error });
});

test('sends updates and status at QoS 1', async () => {
  connect();
  await connected();
  await upstream.sendUpdate(UPDATE);
  expect(broker.came.at(-1)).toMatchObject({
    topic: 'edge/svc-dev/core/core-1/update',
    qos: 1,
    retain: false,
  });
  expect(JSON.parse(String(broker.came.at(-1)?.payload))).toEqual(UPDATE);
});

test('without a connection it says so and keeps nothing for later', async () => {
  await broker.close();
  connect();
  expect(upstream.connected).toBe(false);
  await expect(upstream.sendUpdate(UPDATE)).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
  port = await broker.listen(port);
  await connected();
  expect(broker.came).toEqual([]);
});

test('connects and subscribes again after a loss', async () => {
  connect();
  await connected();
  const again = connected();
  await broker.close();
  await broker.listen(port);
  await again;
  const accepted = new Promise((resolve) => upstream.on('accepted', resolve));
  await broker.send('edge/svc-dev/core/core-1/accepted', { requestId: 'u7' });
  expect(await accepted).toEqual({ requestId: 'u7' });
});

test('what the broker refuses is not sent again by itself, and does not hold up the end', async () => {
  connect();
  await connected();
  broker.endsPublishers = true;
  const again = connected();
  await expect(upstream.sendUpdate(UPDATE)).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
  await again;
  expect(broker.publishes).toBe(1);
  const unanswered = upstream.sendUpdate(UPDATE).catch((error: unknown) => error);
  await upstream.close();
  expect(await unanswered).toMatchObject({ code: 'CLOUD_UNREACHABLE' });
});

test('hurries when the cloud was reached in another way', async () => {
  // A pause of a day.
  const hurried = connect(identity.core, () => 1e6);
  await connected();
  await broker.close();
  await until('the loss', () => (hurried.connected ? undefined : true));
  await broker.listen(port);
  const again = connected();
  hurried.hurry();
  hurried.hurry();
  await again;
  expect(hurried.connected).toBe(true);
});

test('hurried again and again, it leaves the cloud a moment between two attempts', async () => {
  await broker.close();
  let attempts = 0;
  const deaf = createPlainServer((socket) => {
    attempts += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => deaf.listen(port, '127.0.0.1', resolve));
  const began = performance.now();
  const hurried = connect(identity.core, () => 1e6);
  // The first by itself, the second hurried at once.
  await until('the fourth attempt', () => {
    hurried.hurry();
    return attempts >= 4 ? true : undefined;
  });
  expect(performance.now() - began).toBeGreaterThan(2 * 240);
  await new Promise((resolve) => deaf.close(resolve));
});

test('a core whose subscriptions are refused is not connected, and tries again', async () => {
  broker.refuseSubscriptions = true;
  const first = broker.clients();
  connect();
  await first;
  const isConnected = connected();
  // The second connection shows that the first was given up; only its subscription is granted.
  await broker.clients();
  expect(upstream.connected).toBe(false);
  broker.refuseSubscriptions = false;
  await isConnected;
});

test('the cloud’s broker does not take another certificate', async () => {
  connect(identity.stranger);
  const server = (broker as unknown as { server: Server }).server;
  await once(server, 'tlsClientError');
  expect(upstream.connected).toBe(false);
});
