/**
 * npm run bench [-- --quick] [-- --json FILE]
 *
 * Measures with real processes and mutual TLS, each figure as a ratio to a raw MQTT echo of the same
 * client in the same run: the request for a present function (case 1), the warm synchronous call on
 * the edge (case 3), and in milliseconds stages I and II of a deployment.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { quietSdk, startEnvironment, startProcess, type Environment, type NodeProcess } from '../local';
import type { Plan, Samples } from './device';
import { mirrorPackage } from './functions';
import { quantile, ratios, summarise, type Summary } from './statistics';

const root = path.resolve(__dirname, '..', '..');
const GROUP = 'workshop';
const DEVICE = 'sensor-1';

interface Figures {
  echo: { ms: Summary };
  case1: { ms: Summary; ratio: Summary };
  case3: { ms: Summary; ratio: Summary };
  stage1: { ms: Summary };
  stage2: { ms: Summary };
  runs: number;
  rounds: number;
  deployments: number;
  node: string;
}

interface Sizes {
  runs: number;
  rounds: number;
  deployments: number;
}

const FULL: Sizes = { runs: 5, rounds: 1000, deployments: 30 };
const QUICK: Sizes = { runs: 3, rounds: 200, deployments: 8 };

async function main(): Promise<void> {
  quietSdk();
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' } } });
  const sizes = values.quick ? QUICK : FULL;
  const stateDir = await mkdtemp(path.join(tmpdir(), 'edge-bench-'));
  let environment: Environment | undefined;
  try {
    environment = await startEnvironment({ serviceDir: root, stateDir, stage: 'dev' });
    const figures = await measure(environment, stateDir, sizes);
    print(figures);
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    await environment?.close();
    await rm(stateDir, { recursive: true, force: true });
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

function print(figures: Figures): void {
  const table = new Table({
    head: ['', 'p50 ms', 'p99 ms', 'p50 ratio', 'p99 ratio'],
    style: { head: [], border: [], compact: true },
  });
  const row = (title: string, ms: Summary, ratio?: Summary): void => {
    const cells = [
      ms.p50.toFixed(3),
      ms.p99.toFixed(3),
      ratio?.p50.toFixed(2) ?? '',
      ratio?.p99.toFixed(2) ?? '',
    ];
    table.push([title, ...cells]);
  };
  row('raw MQTT echo', figures.echo.ms);
  row('case 1: request for a present function', figures.case1.ms, figures.case1.ratio);
  row('case 3: warm synchronous call on the edge', figures.case3.ms, figures.case3.ratio);
  row('stage I: request → available', figures.stage1.ms);
  row('stage II: confirm → ready', figures.stage2.ms);
  process.stdout.write(`${table.toString()}\n`);
  process.stdout.write(
    `${figures.runs} runs of ${figures.rounds} rounds, ${figures.deployments} deployments; loopback, mutual TLS, Node ${figures.node}. Ratios are to the echo of the same run.\n`,
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
