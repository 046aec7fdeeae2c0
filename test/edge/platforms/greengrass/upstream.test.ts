import pino from 'pino';
import type { NucleusClient } from '../../../../edge/platforms/greengrass/nucleus';
import { NucleusUpstream } from '../../../../edge/platforms/greengrass/upstream';
import { EdgeError } from '../../../../protocol';
import { ManualClock, settle } from '../../support/manualClock';

const UPDATE = { requestId: 'r1', group: 'plant', claims: [], joins: [], failures: [] };

/** The nucleus' side of IPC, in memory. */
class MemoryNucleus implements Pick<NucleusClient, 'subscribe' | 'publish'> {
  readonly published: { topic: string; payload: string }[] = [];
  readonly subscriptions = new Map<string, { listener(payload: Buffer): void; onEnded(): void }>();
  refused: EdgeError | undefined;

  subscribe(topic: string, listener: (payload: Buffer) => void, onEnded: () => void): Promise<void> {
    if (this.refused) return Promise.reject(this.refused);
    this.subscriptions.set(topic, { listener, onEnded });
    return Promise.resolve();
  }

  publish(topic: string, payload: string): Promise<void> {
    this.published.push({ topic, payload });
    return Promise.resolve();
  }

  send(kind: string, message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    this.subscriptions.get(topicOf(kind))?.listener(Buffer.from(text));
  }
}

const topicOf = (kind: string) => `edge/svc-dev/core/core-1/${kind}`;

let clock: ManualClock;
let nucleus: MemoryNucleus;
let reachable: boolean;
let probes: number;
let upstream: NucleusUpstream;
let connections: number;

function open(): void {
  upstream = new NucleusUpstream({
    ...{ nucleus, core: 'core-1', corePrefix: 'edge/svc-dev', clock, random: () => 0 },
    log: pino({ level: 'silent' }),
    probe() {
      probes += 1;
      return Promise.resolve(reachable);
    },
  });
  upstream.on('connected', () => (connections += 1));
}

beforeEach(() => {
  clock = new ManualClock();
  nucleus = new MemoryNucleus();
  [reachable, probes, connections] = [true, 0, 0];
});
afterEach(() => upstream.close());

test('is connected once it hears all that the cloud says to it', async () => {
  open();
  expect(upstream.connected).toBe(false);
  await settle();
  expect(upstream.connected).toBe(true);
  expect(connections).toBe(1);
  expect([...nucleus.subscriptions.keys()].sort()).toEqual(['accepted', 'refused', 'revision'].map(topicOf));
});

test('sends and hears on the topics of its core', async () => {
  open();
  await settle();
  const heard: unknown[] = [];
  upstream.on('revision', (notice) => void heard.push(notice));
  upstream.on('accepted', (message) => void heard.push(message));
  await upstream.sendUpdate(UPDATE);
  expect(nucleus.published).toEqual([{ topic: topicOf('update'), payload: JSON.stringify(UPDATE) }]);
  nucleus.send('revision', { group: 'plant', revision: 4 });
  nucleus.send('accepted', { requestId: 'r1' });
  nucleus.send('accepted', 'no JSON');
  nucleus.send('revision', { revision: 'four' });
  expect(heard).toEqual([{ group: 'plant', revision: 4 }, { requestId: 'r1' }]);
});

test('a revision of the configuration is a notice like any other', async () => {
  open();
  const heard: unknown[] = [];
  upstream.on('revision', (notice) => void heard.push(notice));
  upstream.notice({ group: 'plant', revision: 5 });
  expect(heard).toEqual([{ group: 'plant', revision: 5 }]);
});

test('asks for its subscriptions again, less and less often, while they are refused', async () => {
  nucleus.refused = new EdgeError('CORE_NOT_AUTHORISED');
  open();
  await settle();
  expect(upstream.connected).toBe(false);
  await expect(upstream.sendUpdate(UPDATE)).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
  await clock.advance(10_000);
  nucleus.refused = undefined;
  await clock.advance(15_000);
  expect(upstream.connected).toBe(true);
  expect(connections).toBe(1);
});

test('a subscription that ends is made again', async () => {
  open();
  await settle();
  const ended = nucleus.subscriptions.get(topicOf('accepted'));
  nucleus.subscriptions.clear();
  ended?.onEnded();
  expect(upstream.connected).toBe(false);
  await clock.advance(250);
  expect(nucleus.subscriptions.has(topicOf('accepted'))).toBe(true);
  expect(connections).toBe(2);
});

test('gives the nucleus nothing to keep while the cloud is away', async () => {
  open();
  await settle();
  reachable = false;
  upstream.lost();
  expect(upstream.connected).toBe(false);
  await expect(upstream.sendStatus({})).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
  await clock.advance(60_000);
  expect(probes).toBeGreaterThan(4);
  expect(probes).toBeLessThan(12);
  expect(nucleus.published).toEqual([]);
  reachable = true;
  await clock.advance(15_000);
  expect(upstream.connected).toBe(true);
  expect(connections).toBe(2);
});

test('an answer of the cloud ends the waiting, and somebody who waits shortens it', async () => {
  open();
  await settle();
  reachable = false;
  upstream.lost();
  upstream.reached();
  expect(connections).toBe(2);
  upstream.lost();
  await clock.advance(30_000);
  reachable = true;
  upstream.hurry();
  await clock.advance(250);
  expect(connections).toBe(3);
  expect(clock.pending).toBe(0);
});
