import pino from 'pino';
import type { DeviceProcess, Edge } from '../../local';
import { seededRandom } from '../../local/base/events';
import { claimedVersion, keys } from '../../protocol';
import { cloudState, type CloudState } from '../support/cloudState';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { changeGroup, definitionOf, runsRevision } from '../support/operatorChange';

/** What AWS does to events now and then: S3 notifications, asynchronous invocations, rule deliveries. */
const ECHO = 'exports.handler = async (event) => event;';
const RETRIES_MS = [100, 200];
const STORM = { duplicate: 0.6, delayMs: [0, 60], reorder: true } as const;

type Options = NonNullable<Parameters<typeof startTestEnvironment>[0]>;

let environment: TestEnvironment;
let cloud: CloudState;
let edge: Edge;
let devices: [DeviceProcess, DeviceProcess];
const faults: NonNullable<Options['faults']> = {};
/** What is due at some time; nothing happens before a test says so. */
const schedule = new Set<() => void>();
/** Channel and what it was, of every event that was lost. */
const lost: string[] = [];
let onLost: (event: string) => void = () => undefined;

beforeAll(async () => {
  environment = await startTestEnvironment({
    faults,
    random: seededRandom(20_260),
    retryDelaysMs: RETRIES_MS,
    scheduleTimers: {
      now: Date.now,
      setTimeout(callback) {
        schedule.add(callback);
        return { cancel: () => void schedule.delete(callback) };
      },
    },
    log: pino({ level: 'info' }, { write: noteLoss }),
  });
  cloud = cloudState(environment);
  edge = await environment.startEdge(GROUP);
  devices = await Promise.all([environment.connectDevice('sensor-1'), environment.connectDevice('sensor-2')]);
});

afterAll(async () => {
  cloud?.close();
  await environment?.close();
});

afterEach(() => {
  for (const channel of Object.keys(faults)) delete faults[channel as keyof typeof faults];
});

function noteLoss(line: string): void {
  const { msg, channel, label } = JSON.parse(line) as Record<'msg' | 'channel' | 'label', string>;
  if (msg !== 'fault: event lost') return;
  lost.push(`${channel} ${label}`);
  onLost(`${channel} ${label}`);
}

/** Resolves at the next loss of that kind. */
function loss(kind: RegExp): Promise<void> {
  return new Promise((resolve) => {
    onLost = (event) => kind.test(event) && resolve();
  });
}

async function register(prefix: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, n) => `${prefix}${n}`);
  await Promise.all(
    names.map((name) => environment.registerFunction(name, ECHO, { version: '1.0.0', memory: 64 })),
  );
  return names;
}

/** Revisions that were superseded, ascending. */
async function revisions(): Promise<number[]> {
  const prefix = keys.revision(GROUP, 0).replace(/\d+\.json$/, '');
  const objects = await cloud.objects(environment.outputs.stateBucket, prefix);
  return objects.map((object) => Number(/(\d+)\.json/.exec(object)?.[1]));
}

/** The definition of each revision, as it was written. */
async function history(): Promise<{ revision: number; claims: Record<string, { seq: number }> }[]> {
  const { s3 } = environment.cloud.services;
  return Promise.all(
    (await revisions()).map(async (revision) => {
      const object = await s3.getObject(environment.outputs.stateBucket, keys.revision(GROUP, revision));
      return JSON.parse(object.toString()) as { revision: number; claims: Record<string, { seq: number }> };
    }),
  );
}

/** Nothing is pending, revisions rose by one, no claim went back, and the edge never did either. */
async function expectInOrder(): Promise<void> {
  await environment.cloud.idle();
  const definition = await definitionOf(environment);
  await runsRevision(edge, definition.revision);
  const written = [...(await history()), definition];
  expect(written.map(({ revision }) => revision)).toEqual(
    Array.from({ length: definition.revision }, (_, n) => n + 1),
  );
  written.forEach(({ claims }, n) => {
    for (const [key, { seq }] of Object.entries(written[n - 1]?.claims ?? {})) {
      expect(claims[key]?.seq).toBeGreaterThanOrEqual(seq);
    }
  });
  const ran = edge.process.events
    .filter(({ event }) => event === 'reconciled')
    .map(({ revision }) => Number(revision));
  expect(ran).toEqual([...ran].sort((a, b) => a - b));
  expect(await cloud.objects(environment.outputs.stateBucket, keys.requests(GROUP))).toEqual([]);
}

async function releaseAll(names: readonly string[]): Promise<void> {
  await Promise.all(devices.flatMap((device) => names.map((name) => device.release(name))));
}

/** Whoever finds a function there already has it at once; the claim that keeps it there may come later. */
async function waitUntilClaimed(names: readonly string[]): Promise<void> {
  await environment.operator.waitForDefinition(environment.outputs.stateBucket, GROUP, (definition) =>
    ['sensor-1', 'sensor-2'].every((thing) =>
      names.every((name) => claimedVersion(definition, thing, name) === '1.0.0'),
    ),
  );
}

/** Both devices, all functions, all at once. */
async function deployEverywhere(names: readonly string[]): Promise<void> {
  await Promise.all(devices.flatMap((device) => names.map((name) => device.deploy(name))));
  await Promise.all(
    devices.flatMap((device) =>
      names.map((name) => expect(device.invoke(name, { name })).resolves.toEqual({ name })),
    ),
  );
}

it('copies, delay and another order on every channel: every deployment succeeds', async () => {
  const names = await register('storm', 5);
  Object.assign(faults, { s3: STORM, lambdaAsync: STORM, iotRule: STORM });
  await deployEverywhere(names);
  await waitUntilClaimed(names);
  await expectInOrder();
  await releaseAll(names);
  await expectInOrder();
  const { claims } = await definitionOf(environment);
  for (const name of names) {
    expect(claims).toMatchObject({
      [`sensor-1/${name}`]: { released: true },
      [`sensor-2/${name}`]: { released: true },
    });
  }
});

it('uploads whose events come twice and late are registered once', async () => {
  Object.assign(faults, { s3: { ...STORM, duplicate: 2 }, lambdaAsync: STORM });
  const names = await register('again', 3);
  await environment.cloud.idle();
  for (const name of names) {
    const index = await environment.operator.functionIndex(environment.outputs.stateBucket, name);
    expect(Object.keys(index?.versions ?? {})).toEqual(['1.0.0']);
  }
});

it('the S3 event is lost: the hint wakes the deployment', async () => {
  const names = await register('hinted', 2);
  faults.s3 = { loss: 1 };
  lost.length = 0;
  await deployEverywhere(names);
  expect(lost).toContainEqual(expect.stringMatching(/^s3 .*requests/));
  await releaseAll(names);
  await expectInOrder();
});

describe('the hint is lost', () => {
  let hint: { name: string; variables: Record<string, string> };

  /** Who is to give the hint cannot reach what it names. */
  beforeAll(async () => {
    const { lambda } = environment.cloud.services;
    const stack = environment.outputs.corePrefix.split('/').at(-1) ?? '';
    const name = `${stack}-handleDeploymentRequest`;
    const variables = lambda.getFunction(name).Environment?.Variables ?? {};
    hint = { name, variables };
    await setHint('gone');
  });

  afterAll(() => setHint(hint.variables['EDGE_PERFORM_DEPLOYMENT'] ?? ''));

  async function setHint(target: string): Promise<void> {
    const Variables = { ...hint.variables, EDGE_PERFORM_DEPLOYMENT: target };
    await environment.cloud.services.lambda.updateFunction(hint.name, { Environment: { Variables } });
  }

  it('the S3 event wakes the deployment', async () => {
    const names = await register('notified', 2);
    await deployEverywhere(names);
    await releaseAll(names);
    await expectInOrder();
  });

  it('and the S3 event, too: the sweep finds what is stored', async () => {
    const [name = ''] = await register('swept', 1);
    faults.s3 = { loss: 1 };
    const lostEvent = loss(/^s3 .*requests/);
    const deployed = devices[0].deploy(name);
    await lostEvent;
    await devices[0].reached(name, 'stored');
    expect(claimedVersion(await definitionOf(environment), 'sensor-1', name)).toBeUndefined();
    expect(schedule.size).toBeGreaterThan(0);
    for (const fire of [...schedule]) {
      schedule.delete(fire);
      fire();
    }
    await expect(deployed).resolves.toMatchObject({ version: '1.0.0' });
    delete faults.s3;
    await devices[0].release(name);
    await expectInOrder();
  });
});

it('a rule loses the update: the core sends it again', async () => {
  const [name = ''] = await register('resent', 1);
  faults.iotRule = { loss: 1 };
  const lostUpdate = loss(/^iotRule .*\/update$/);
  const deployed = devices[0].deploy(name);
  await lostUpdate;
  delete faults.iotRule;
  await expect(deployed).resolves.toMatchObject({ version: '1.0.0' });
  await devices[0].release(name);
  await expectInOrder();
});

it('all at once, the first event and a third of the others lost', async () => {
  const names = await register('lossy', 3);
  const lossy = { ...STORM, loss: 0.3 };
  Object.assign(faults, { s3: { ...lossy, loss: 1 }, iotRule: { ...lossy, loss: 1 } });
  lost.length = 0;
  onLost = (event) => {
    faults[event.startsWith('s3') ? 's3' : 'iotRule'] = lossy;
  };
  await deployEverywhere(names);
  expect(lost.length).toBeGreaterThan(0);
  await waitUntilClaimed(names);
  // An operator's change in the middle of it takes its turn.
  delete faults.s3;
  await changeGroup(environment, edge, ({ entitlements }) => ({
    entitlements: { ...entitlements, lossy0: { devices: ['sensor-*'], seq: 1 } },
  }));
  await expectInOrder();
});
