import type { Clock } from '../../../lib/clock';
import { pino } from 'pino';
import { EventDelivery, seededRandom, type ChannelFaults } from '../../../local/base/events';

const log = pino({ level: 'silent' });

/** Time that a test moves. */
function manualSchedule() {
  let now = 0;
  const entries: { at: number; callback: () => void }[] = [];
  const schedule: Clock['setTimeout'] = (callback, ms) => {
    const entry = { at: now + ms, callback };
    entries.push(entry);
    return { cancel: () => void entries.splice(entries.indexOf(entry), 1) };
  };
  const runUntil = (until: number): void => {
    for (;;) {
      const due = entries.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      entries.splice(entries.indexOf(due), 1);
      now = due.at;
      due.callback();
    }
    now = until;
  };
  return { schedule, runUntil, waiting: () => entries.length };
}

async function deliveredWith(faults: ChannelFaults, count: number, seed = 1): Promise<number[]> {
  const time = manualSchedule();
  const { schedule } = time;
  const events = new EventDelivery({ faults: { s3: faults }, log, random: seededRandom(seed), schedule });
  const delivered: number[] = [];
  for (let event = 0; event < count; event += 1) {
    events.deliver('s3', `event ${event}`, async () => void delivered.push(event));
  }
  expect(delivered).toEqual([]);
  time.runUntil(100_000);
  await events.idle();
  return delivered;
}

const inOrder = (count: number) => Array.from({ length: count }, (_, index) => index);

it('delivers each event once, asynchronously and in order, without faults', async () => {
  expect(await deliveredWith({}, 20)).toEqual(inOrder(20));
});

it('delivers as many more copies as asked for', async () => {
  expect(await deliveredWith({ duplicate: 2 }, 3)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
});

it('duplicates some, by probability', async () => {
  const delivered = await deliveredWith({ duplicate: 0.3 }, 1000);
  expect(new Set(delivered).size).toBe(1000);
  expect(delivered.length).toBeGreaterThan(1200);
  expect(delivered.length).toBeLessThan(1400);
});

it('loses some, by probability, and then in every copy', async () => {
  const delivered = await deliveredWith({ loss: 0.3, duplicate: 1 }, 1000);
  const copies = new Map<number, number>();
  for (const event of delivered) copies.set(event, (copies.get(event) ?? 0) + 1);
  expect(new Set(copies.values())).toEqual(new Set([2]));
  expect(copies.size).toBeGreaterThan(600);
  expect(copies.size).toBeLessThan(800);
});

it('loses all when told so', async () => {
  expect(await deliveredWith({ loss: 1 }, 5)).toEqual([]);
});

it.each([1, 2, 3, 4])('reorders, whatever the seed (%p)', async (seed) => {
  const delivered = await deliveredWith({ reorder: true }, 2, seed);
  expect(delivered).toEqual([1, 0]);
});

it('gives the same faults for the same seed', async () => {
  const faults = { duplicate: 0.5, loss: 0.2, reorder: true, delayMs: [0, 100] as const };
  expect(await deliveredWith(faults, 50, 7)).toEqual(await deliveredWith(faults, 50, 7));
  expect(await deliveredWith(faults, 50, 7)).not.toEqual(await deliveredWith(faults, 50, 8));
});

it('delays within the bounds', async () => {
  const time = manualSchedule();
  const { schedule } = time;
  const events = new EventDelivery({ faults: { s3: { delayMs: [50, 100] } }, log, schedule });
  let delivered = 0;
  for (let event = 0; event < 100; event += 1) {
    events.deliver('s3', 'event', async () => void (delivered += 1));
  }
  time.runUntil(49);
  await Promise.resolve();
  expect(delivered).toBe(0);
  time.runUntil(100);
  await events.idle();
  expect(delivered).toBe(100);
});

it('troubles only the channel that was named', async () => {
  const events = new EventDelivery({ faults: { s3: { loss: 1 } }, log });
  const delivered: string[] = [];
  events.deliver('s3', 'lost', async () => void delivered.push('s3'));
  events.deliver('iotRule', 'arrives', async () => void delivered.push('iotRule'));
  await events.idle();
  expect(delivered).toEqual(['iotRule']);
});

it('is idle only when what deliveries caused is done too', async () => {
  const events = new EventDelivery({ log });
  const steps: string[] = [];
  events.deliver('s3', 'first', async () => {
    steps.push('first');
    events.deliver('lambdaAsync', 'second', async () => void steps.push('second'));
  });
  await events.idle();
  expect(steps).toEqual(['first', 'second']);
  await events.idle();
});

it('logs a delivery that fails, and goes on', async () => {
  const lines: string[] = [];
  const events = new EventDelivery({ log: pino({}, { write: (line) => void lines.push(line) }) });
  const delivered: string[] = [];
  events.deliver('s3', 'bad', () => Promise.reject(new Error('refused')));
  events.deliver('s3', 'worse', () => {
    throw new Error('thrown');
  });
  events.deliver('s3', 'good', async () => void delivered.push('good'));
  await events.idle();
  expect(delivered).toEqual(['good']);
  expect(lines.filter((line) => line.includes('event delivery failed'))).toHaveLength(2);
});

it('drops on close what has not begun, and waits for what has', async () => {
  const time = manualSchedule();
  const { schedule } = time;
  const faults = { s3: { delayMs: [10, 10] as const }, iotRule: { reorder: true } };
  const events = new EventDelivery({ faults, log, schedule });
  let finish = (): void => undefined;
  const steps: string[] = [];
  events.deliver('lambdaAsync', 'begun', async () => {
    await new Promise<void>((resolve) => (finish = resolve));
    steps.push('begun');
  });
  time.runUntil(1);
  await Promise.resolve();
  events.deliver('s3', 'waiting', async () => void steps.push('waiting'));
  events.deliver('iotRule', 'gathered 1', async () => void steps.push('gathered'));
  events.deliver('iotRule', 'gathered 2', async () => void steps.push('gathered'));
  const closed = events.close();
  events.deliver('s3', 'late', async () => void steps.push('late'));
  finish();
  await closed;
  expect(time.waiting()).toBe(0);
  expect(steps).toEqual(['begun']);
});
