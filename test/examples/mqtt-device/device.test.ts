import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IssuedCertificate } from '../../../lib/x509/issue';
import { createAuthority, type TestAuthority } from '../../device/support/certificates';
import { StandInEdge, type StandInOptions } from '../../device/support/standInEdge';

/** The MQTT.js device against the protocol's schemas: the stand-in refuses what does not fit them. */
const program = path.join(__dirname, '..', '..', '..', 'examples', 'mqtt-device', 'device.mjs');

let directory: string;
let authority: TestAuthority;
let server: IssuedCertificate;
let device: IssuedCertificate;
let edge: StandInEdge | undefined;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mqtt-device-'));
  authority = await createAuthority('edge authority');
  server = await authority.server();
  device = await authority.device('sensor-1');
  await writeFile(path.join(directory, 'cert.pem'), device.certificatePem);
  await writeFile(path.join(directory, 'key.pem'), device.privateKeyPem);
  await writeFile(path.join(directory, 'ca.pem'), authority.ca);
});

afterEach(async () => {
  await edge?.stop();
  edge = undefined;
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const served = { function: 'detectAnomaly', version: '1.4.0' };

const obliging: StandInOptions['script'] = ({ kind, message }, answer) => {
  const { requestId } = message;
  if (kind === 'request') {
    const locations: ('edge' | 'cloud')[] = ['edge'];
    const offer = { digest: 'a'.repeat(64), size: 10, locations, expiresInMs: 30_000 };
    answer('available', { requestId, ...served, ...offer });
  } else if (kind === 'confirm') {
    answer('progress', { requestId, function: 'detectAnomaly', stage: 'starting' });
    const callTopic = 'edge/sensor-1/call/detectAnomaly';
    answer('ready', { requestId, ...served, revision: 2, callTopic, present: false });
  } else if (kind === 'invoke') {
    answer('result', { requestId, ...served, location: 'edge', output: { score: 3 }, durationMs: 1 });
  }
};

async function startEdge(options: Partial<StandInOptions> = {}): Promise<StandInEdge> {
  edge = new StandInEdge({ server, admitted: [device.certificateId], script: obliging, ...options });
  await edge.start();
  return edge;
}

interface Run {
  code: number | null;
  lines: Record<string, unknown>[];
}

function runDevice(port: number, ...more: string[]): Promise<Run> {
  const files = ['cert', 'key', 'ca'].flatMap((name) => [`--${name}`, path.join(directory, `${name}.pem`)]);
  const where = ['--host', '127.0.0.1', '--port', String(port), ...files];
  const what = ['--thing', 'sensor-1', '--function', 'detectAnomaly', '--input', '{"samples":[1]}'];
  const child = spawn(process.execPath, [program, ...where, ...what, ...more]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const lines = output.split('\n').filter(Boolean);
      resolve({ code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) });
    });
  });
}

test('plays the whole part of a device and exits 0', async () => {
  const started = await startEdge();
  const { code, lines } = await runDevice(started.port, '--version', '^1');
  expect(lines.at(-1)).toEqual({ event: 'done', output: { score: 3 } });
  expect(code).toBe(0);
  expect(started.heard.map(({ kind }) => kind)).toEqual(['join', 'request', 'confirm', 'invoke', 'call']);
  expect(started.heard[1]?.message).toMatchObject({ function: 'detectAnomaly', version: '^1' });
  expect(started.heard[2]?.message.requestId).toBe(started.heard[1]?.message.requestId);
  expect(started.heard[4]?.message).toMatchObject({ version: '1.4.0', input: { samples: [1] } });
});

test('asks again under the same id after a broken connection', async () => {
  let broken = false;
  const started = await startEdge({
    script: (heard, answer) => {
      if (heard.kind !== 'invoke' || broken) {
        obliging(heard, answer);
        return;
      }
      broken = true;
      started.drop();
    },
  });
  const { code, lines } = await runDevice(started.port);
  expect(lines.at(-1)).toMatchObject({ event: 'done' });
  expect(code).toBe(0);
  const ids = started.heard.filter(({ kind }) => kind === 'invoke').map(({ message }) => message.requestId);
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids).size).toBe(1);
});

test('a refusal ends it with 1 and the code', async () => {
  const started = await startEdge({
    script: ({ message: { requestId } }, answer) =>
      answer('failed', { requestId, error: { code: 'NOT_ENTITLED', message: 'not for you' } }),
  });
  const { code, lines } = await runDevice(started.port);
  expect(code).toBe(1);
  expect(lines.at(-1)).toEqual({ event: 'failed', code: 'NOT_ENTITLED', message: 'not for you' });
});

test('an unknown certificate ends it with 1', async () => {
  const started = await startEdge({ admitted: [] });
  const { code, lines } = await runDevice(started.port);
  expect(code).toBe(1);
  expect(lines.at(-1)).toMatchObject({ event: 'failed' });
  expect(started.heard).toEqual([]);
});
