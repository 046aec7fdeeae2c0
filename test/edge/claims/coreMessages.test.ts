import pino from 'pino';
import { LogShipper } from '../../../edge/cloud/logShipper';
import { EdgeError, type CoreLogs } from '../../../protocol';
import { MessageChecker } from '../../support/asyncApi';
import { startHarness } from '../support/harness';
import { ManualClock } from '../support/manualClock';
import { CORE, certificateIdOf, manifestOf } from '../support/memoryCloud';

/** What a core sends up is what docs/asyncapi.json says; what comes down: test/handlers/stores/iot.test.ts. */
let document: MessageChecker;
beforeAll(async () => {
  document = await MessageChecker.fromDocument();
});

/** As it travels. */
function check(kind: string, message: unknown): void {
  const topic = `edge/plant-service-dev/core/${CORE}/${kind}`;
  document.check({ direction: 'received', topic, message: JSON.parse(JSON.stringify(message)) });
}

test('updates with claims, releases, joins and failures, and the reports around them', async () => {
  const h = await startHarness({
    prepare(cloud) {
      cloud.addDevices('camera-1');
      for (const version of ['1.0.0', '2.0.0']) cloud.register(manifestOf('detect', version));
    },
  });
  h.local.onStart = async (key) => {
    if (key === 'detect@2.0.0') {
      throw new EdgeError('FUNCTION_INIT_FAILED', 'thrown', {
        details: { errorType: 'TypeError', errorMessage: 'thrown', trace: ['at somewhere'] },
      });
    }
  };
  // What takes the failure back may take its time; until then it is reported.
  h.cloud.onUpdate = (update) => {
    if (update.failures !== undefined || update.claims.some(({ released }) => released)) {
      h.clock.setTimeout(() => h.cloud.accept(update.requestId), 10_000);
      return;
    }
    h.cloud.accept(update.requestId);
    h.cloud.absorb(update);
  };
  h.moved.set('rover', certificateIdOf('rover'));
  for (const [device, version] of [
    ['camera-1', '1.0.0'],
    ['camera-1', '2.0.0'],
    ['rover', '1.0.0'],
  ] as const) {
    const requestId = `${device}-${version}`;
    await h.ask(device, 'request', { requestId, function: 'detect', version });
    await h.ask(device, 'confirm', { requestId });
    await h.clock.advance(50);
  }
  await h.ask('camera-1', 'release', { requestId: 'r', function: 'detect' });
  await h.clock.advance(120_000);
  await h.system.close();

  const { statuses } = h.cloud;
  const updates = [...new Map(h.cloud.updates.map((update) => [update.requestId, update])).values()];
  const some = (kinds: (update: (typeof updates)[number]) => readonly unknown[] | undefined) =>
    updates.flatMap((update) => kinds(update) ?? []);
  expect(some(({ claims }) => claims)).toContainEqual(expect.objectContaining({ released: true }));
  expect(some(({ joins }) => joins)).toContainEqual(expect.objectContaining({ device: 'rover' }));
  expect(some(({ failures }) => failures)).toMatchObject([{ version: '2.0.0', running: '1.0.0' }]);
  expect(statuses.map(({ state }) => state)).toEqual(expect.arrayContaining(['ready', 'stopping']));
  const reported = statuses.flatMap(({ functions }) => functions);
  expect(reported).toContainEqual(expect.objectContaining({ state: 'failed' }));
  for (const update of updates) check('update', update);
  for (const status of statuses) check('status', status);
});

test('lines of the log, whoever wrote them', async () => {
  const sent: CoreLogs[] = [];
  const { upstream } = (await startHarness()).cloud;
  const shipper = new LogShipper();
  const streams = pino.multistream([{ level: 'trace', stream: shipper }]);
  const log = pino({ level: 'trace', base: { core: CORE } }, streams);
  shipper.connect({
    core: CORE,
    upstream: Object.assign(upstream, { sendLogs: async (logs: CoreLogs) => void sent.push(logs) }),
    clock: new ManualClock(),
    level: () => 'warn',
  });
  log.warn({ function: 'detect@1.0.0', stream: 'stderr', requestId: 'r' }, 'from a function');
  log.error({ err: new EdgeError('CLOUD_UNREACHABLE') }, 'from the core');
  log.warn('z'.repeat(10_000));
  await shipper.close();
  expect(sent.flatMap(({ lines }) => lines)).toHaveLength(3);
  for (const logs of sent) check('log', logs);
});
