import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { startEnvironment, startProcess, type Environment, type NodeProcess } from '../local';
import type { Plan, Samples } from './device';
import { quantile, ratios, summarise, type Summary } from './statistics';

const root = path.resolve(__dirname, '..', '..');
const GROUP = 'workshop';
const DEVICE = 'sensor-1';

export interface Figures extends Sizes {
  echo: { ms: Summary };
  case1: { ms: Summary; ratio: Summary };
  case3: { ms: Summary; ratio: Summary };
  stage1: { ms: Summary };
  stage2: { ms: Summary };
  node: string;
}

export interface Sizes {
  runs: number;
  rounds: number;
  deployments: number;
  /** Whether each function is released before the next: many do not fit on the edge together. */
  releases: boolean;
}

/** Parameters of the project's own serverless.yml. */
export interface EngineParams {
  engine?: string;
  delivery?: string;
}

/**
 * Starts the whole service on this machine with these options of its engine (none: direct), and measures.
 * Throws when a process fails or an answer is another than the expected one.
 */
export async function measureService(sizes: Sizes, params: EngineParams = {}): Promise<Figures> {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'edge-bench-'));
  let environment: Environment | undefined;
  try {
    environment = await startEnvironment({
      ...{ serviceDir: root, stateDir, stage: 'dev' },
      params: { ...params },
    });
    return await measure(environment, stateDir, sizes);
  } finally {
    await environment?.close();
    await rm(stateDir, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function measure(environment: Environment, stateDir: string, sizes: Sizes): Promise<Figures> {
  const absent = Array.from({ length: sizes.deployments }, (_, index) => `bench${index + 1}`);
  await environment.registerPackages(
    await Promise.all(
      ['mirror', ...absent].map(async (name) => ({ name, bytes: await mirrorPackage(name) })),
    ),
  );
  const edge = await environment.startEdge(GROUP);
  const echo = await startEcho(environment, stateDir);
  const { certificate, privateKey } = await environment.deviceCredentials(DEVICE);
  const plan: Plan = {
    thingName: DEVICE,
    certificate,
    privateKey,
    edge: { host: '127.0.0.1', port: edge.port, ca: environment.cloud.authority.certificatePem },
    echo: { host: '127.0.0.1', port: echo.port, ca: environment.cloud.authority.certificatePem },
    present: 'smoothSignal',
    mirror: 'mirror',
    absent,
    runs: sizes.runs,
    rounds: sizes.rounds,
    releases: sizes.releases,
  };
  try {
    return { ...figuresOf(await runDevice(plan, stateDir)), ...sizes, node: process.version };
  } finally {
    await echo.process.stop();
  }
}

async function startEcho(
  environment: Environment,
  stateDir: string,
): Promise<{ process: NodeProcess; port: number }> {
  const server = await environment.cloud.authority.issueServer({
    commonName: 'echo',
    hosts: ['localhost', '127.0.0.1'],
  });
  const certificate = path.join(stateDir, 'echo.cert.pem');
  const privateKey = path.join(stateDir, 'echo.key.pem');
  await writeFile(certificate, server.certificatePem);
  await writeFile(privateKey, server.privateKeyPem, { mode: 0o600 });
  const config = path.join(stateDir, 'echo.json');
  await writeFile(config, JSON.stringify({ certificate, privateKey }));
  const echo = startProcess({
    name: 'echo',
    script: path.join(root, 'dist', 'bench', 'echo.cjs'),
    args: [config],
  });
  const { port } = await echo.waitFor('listening');
  return { process: echo, port: Number(port) };
}

interface Measured {
  runs: Samples[];
  stage1: number[];
  stage2: number[];
}

async function runDevice(plan: Plan, stateDir: string): Promise<Measured> {
  const file = path.join(stateDir, 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const measured: Measured = { runs: [], stage1: [], stage2: [] };
  let failure = '';
  const device = startProcess({
    name: 'device',
    script: path.join(root, 'dist', 'bench', 'device.cjs'),
    args: [file],
    onEvent: (event) => {
      if (event.event === 'run') measured.runs.push(event['samples'] as Samples);
      if (event.event === 'failed') failure = String(event['message']);
      if (event.event !== 'deployment') return;
      measured.stage1.push(Number(event['stage1']));
      measured.stage2.push(Number(event['stage2']));
    },
  });
  const { code } = await device.exited;
  if (code !== 0) throw new Error(`the measuring device failed: ${failure}`);
  return measured;
}

function figuresOf({
  runs,
  stage1,
  stage2,
}: Measured): Pick<Figures, 'echo' | 'case1' | 'case3' | 'stage1' | 'stage2'> {
  const of = (kind: keyof Samples): number[][] => runs.map((run) => run[kind]);
  const single = (samples: number[]): { ms: Summary } => ({
    ms: { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) },
  });
  return {
    echo: { ms: summarise(of('echo')) },
    case1: { ms: summarise(of('case1')), ratio: ratios(of('case1'), of('echo')) },
    case3: { ms: summarise(of('case3')), ratio: ratios(of('case3'), of('echo')) },
    stage1: single(stage1),
    stage2: single(stage2),
  };
}

/** A small function package: returns what it gets. Each name makes other content, so nothing is shared. */
async function mirrorPackage(name: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(
    Buffer.from(JSON.stringify({ name, handler: 'index.handler', timeout: 30, memory: 64 })),
    'edge.json',
  );
  zip.addBuffer(Buffer.from(`exports.handler = async (event) => event; // ${name}\n`), 'index.js');
  zip.end();
  return buffer(zip.outputStream);
}
