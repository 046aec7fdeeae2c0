import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createOperator, startLocalCloud, type LocalCloud, type Operator } from '../../../local';
import {
  groupOverviews,
  isAlive,
  latestStatus,
  type GroupOverview,
} from '../../../operations/inspection/overview';
import type { ServiceOutputs } from '../../../operations/outputs';
import { emptyDefinition, keys, statusSlot, type CoreStatus } from '../../../protocol';
import { until } from '../../support/until';

/** What an operator sees of the reports of a core, through the S3 client, of a real S3 on this machine. */
const CORE = 'attic-core';
const bucket = 'state-bucket';
const outputs = { stateBucket: bucket } as ServiceOutputs;

let folder: string;
let cloud: LocalCloud;
let operator: Operator;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-overview-'));
  cloud = await startLocalCloud({ stateDir: folder });
  operator = createOperator(cloud.environment());
});

afterAll(async () => {
  operator.close();
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  const { s3 } = cloud.services;
  await s3.createBucket(bucket);
  await s3.emptyBucket(bucket);
  const core = { thingName: CORE, certificateId: 'a'.repeat(64), seq: 1 };
  const definition = { ...emptyDefinition('attic'), revision: 4, core };
  await s3.putObject(bucket, keys.definition('attic'), JSON.stringify(definition));
});

const BOOT = 1_800_000_000_000;

/** As the rule stores it. */
async function report(seq: number, more: Partial<CoreStatus> = {}): Promise<void> {
  const boot = Number(more.boot ?? BOOT);
  const status: CoreStatus = {
    core: CORE,
    group: 'attic',
    boot: String(boot),
    seq: String(seq).padStart(10, '0'),
    slot: statusSlot(boot, seq),
    at: new Date().toISOString(),
    heartbeat: 60,
    state: 'ready',
    revision: seq,
    functions: [],
    ...more,
  };
  const key = `${keys.coreStatuses(CORE)}${status.slot}.json`;
  await cloud.services.s3.putObject(bucket, key, JSON.stringify(status));
}

async function overview(): Promise<GroupOverview> {
  const [first] = await groupOverviews({ operator, outputs });
  if (first === undefined) throw new Error('no group');
  return first;
}

const lastRevision = async () => (await latestStatus({ operator, outputs }, CORE))?.report.revision;

it('has never seen a core that sent nothing', async () => {
  expect((await overview()).edge).toBeUndefined();
});

it('takes the report with the highest number, in whatever order they were stored', async () => {
  for (const seq of [1, 3, 2]) await report(seq);
  expect(await lastRevision()).toBe(3);
  await report(4, { slot: 'heartbeat' });
  expect(await lastRevision()).toBe(4);
  for (let seq = 5; seq < 120; seq += 1) await report(seq);
  await report(119 - 3);
  expect(await lastRevision()).toBe(119);
  // Another boot begins with one again.
  await report(1, { boot: String(BOOT + 60_000), revision: 77 });
  await report(118);
  expect(await lastRevision()).toBe(77);
});

it('knows a core that runs from one that said goodbye and one that went without a word', async () => {
  await report(1);
  expect(await overview()).toMatchObject({ edge: { state: 'ready', missing: false } });
  expect(isAlive(await overview())).toBe(true);
  await report(2, { state: 'stopping' });
  expect(isAlive(await overview())).toBe(false);
  expect((await overview()).edge).toMatchObject({ state: 'stopping', missing: false });

  await report(3, { heartbeat: 1 });
  const gone = await until('three missed heartbeats', async () => {
    const now = await overview();
    return now.edge?.missing ? now : undefined;
  });
  expect(isAlive(gone)).toBe(false);
  expect(Date.now() - Date.parse(gone.edge?.lastSeen ?? '')).toBeGreaterThanOrEqual(3_000);
});

it('leaves out what a core reported in another group', async () => {
  await report(1, { group: 'cellar' });
  expect((await overview()).edge).toBeUndefined();
});
