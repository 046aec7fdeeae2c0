import pino from 'pino';
import { LogShipper } from '../../../edge/cloud/logShipper';
import { coreLogsSchema, type CoreLogs, type EdgeLogLevel } from '../../../protocol';
import { ManualClock } from '../support/manualClock';

/** The log of a core on its way up: a real pino logger, a clock moved by hand. */
const GATHERED = 5_000;

function rig(level: EdgeLogLevel = 'warn') {
  const sent: CoreLogs[] = [];
  const state = { level, fails: false };
  const clock = new ManualClock();
  const shipper = new LogShipper();
  const streams = [{ level: 'trace' as const, stream: shipper }];
  const log = pino({ level: 'trace', base: { core: 'attic-core' } }, pino.multistream(streams));
  const upstream = {
    connected: true,
    sendUpdate: async () => undefined,
    sendStatus: async () => undefined,
    async sendLogs(logs: CoreLogs) {
      if (state.fails) throw new Error('away');
      sent.push(coreLogsSchema.parse(JSON.parse(JSON.stringify(logs))));
    },
    on: () => undefined,
    close: async () => undefined,
  };
  const connect = () => shipper.connect({ core: 'attic-core', upstream, clock, level: () => state.level });
  const messages = () => sent.flatMap(({ lines }) => lines.map(({ msg }) => msg));
  return { sent, state, clock, shipper, log, connect, messages };
}

test('sends what is of the level or above, in one batch, in order', async () => {
  const { log, connect, clock, sent, messages } = rig();
  log.warn('before there was a connection');
  connect();
  log.info('not this');
  log.info({ function: 'detect@1.0.0', stream: 'stderr' }, 'from a function');
  log.error({ code: 'INTERNAL' }, 'broken');
  expect(sent).toEqual([]);
  await clock.advance(GATHERED);
  expect(sent).toHaveLength(1);
  expect(messages()).toEqual(['before there was a connection', 'from a function', 'broken']);
  expect(sent[0]?.lines[1]).toMatchObject({ level: 30, function: 'detect@1.0.0' });
  expect(sent[0]?.lines[2]).not.toHaveProperty('pid');
  await clock.advance(10 * GATHERED);
  expect(sent).toHaveLength(1);
});

test('follows the level while it runs, and off means nothing', async () => {
  const { log, connect, clock, state, messages } = rig('off');
  connect();
  log.fatal('not this');
  state.level = 'info';
  log.info('this');
  log.info({ event: 'exchange', exchange: {} }, 'not this');
  log.debug('not this');
  await clock.advance(GATHERED);
  expect(messages()).toEqual(['this']);
});

test('keeps the youngest lines while the cloud is away, and counts the others', async () => {
  const { log, connect, clock, state, sent, messages } = rig();
  connect();
  state.fails = true;
  for (let at = 0; at < 200; at += 1) {
    log.warn(`${at} ${'x'.repeat(1_000)}`);
    if (at === 100) await clock.advance(GATHERED);
  }
  await clock.advance(3 * GATHERED);
  state.fails = false;
  await clock.advance(GATHERED);
  expect(sent).toHaveLength(1);
  expect(Buffer.byteLength(JSON.stringify(sent[0]))).toBeLessThan(128 * 1024);
  expect(messages().at(-1)).toMatch(/^199 /);
  expect((sent[0]?.dropped ?? 0) + messages().length).toBe(200);
  const order = messages().map((text) => parseInt(text ?? '', 10));
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

test('a long line is cut, and still says whose it is', async () => {
  const { log, connect, clock, sent } = rig();
  connect();
  log.warn({ function: 'chatty@1.0.0', dump: 'y'.repeat(100_000) }, 'z'.repeat(10_000));
  await clock.advance(GATHERED);
  const [line] = sent[0]?.lines ?? [];
  expect(line).toMatchObject({ function: 'chatty@1.0.0' });
  expect(JSON.stringify(line).length).toBeLessThan(2_048);
});

test('sends the rest at the end, and no more after it', async () => {
  const { log, connect, clock, shipper, messages } = rig();
  connect();
  log.warn('last');
  await shipper.close();
  expect(messages()).toEqual(['last']);
  log.warn('after');
  await clock.advance(GATHERED);
  expect(messages()).toEqual(['last']);
  expect(clock.pending).toBe(0);
});
