import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pc from 'picocolors';
import { EdgeError, type Exchange } from '../../protocol';
import { AwsError } from '../base/context';
import type { Edge } from './edge';
import { startEnvironment, type Environment, type GroupSetup } from './environment';
import { awaitInterruption } from './interruption';
import { quietSdk } from '../quietSdk';
import { STACK_FILE, type StackFile } from '../../operations/stackFile';
import { Timeline } from './timeline';

export interface DevOptions {
  serviceDir: string;
  stage: string;
  /** Certificates, buckets, and the state of the edge cores; survives restarts. */
  stateDir: string;
  /** What `sls package` wrote; absent: the service is packaged now. */
  packageDir?: string;
  print: (line: string) => void;
  /** Names what is not made, and why. */
  verbose?: boolean;
}

/** Events of different processes arrive out of order by a few milliseconds. */
const FLUSH_MS = 50;

/**
 * The whole service on this machine until SIGINT or SIGTERM: local cloud, an edge core per group.
 * Prints where devices connect, then requests and deployments as they happen. Throws EdgeError when
 * something does not start; then nothing is left running.
 */
export async function runDev(options: DevOptions): Promise<void> {
  try {
    await runUntilInterrupted(options);
  } catch (error) {
    throw error instanceof AwsError ? new EdgeError('CLOUD_ERROR', error.message, { cause: error }) : error;
  }
}

async function runUntilInterrupted(options: DevOptions): Promise<void> {
  quietSdk();
  const timeline = new Timeline(options.print, { plain: (text) => text, refused: pc.yellow });
  timeline.restart(performance.timeOrigin + performance.now());
  const onExchange = (exchange: Exchange): void => timeline.add(exchange);
  const environment = await startEnvironment({ ...options, onExchange });
  const interruption = awaitInterruption();
  const flushing = setInterval(() => timeline.flush(), FLUSH_MS);
  const stackFile = join(options.stateDir, STACK_FILE);
  try {
    const edges = await startEdges(environment, onExchange);
    await writeStackFile(environment, stackFile);
    announce(environment, edges, options.print);
    describeLeftOut(environment, options);
    await Promise.race([interruption.came, ...edges.map(failWhenEnded)]);
    options.print('Stopping.');
  } finally {
    clearInterval(flushing);
    await rm(stackFile, { force: true });
    await environment.close();
    interruption.release();
    timeline.flush();
  }
}

function startEdges(environment: Environment, onExchange: (exchange: Exchange) => void): Promise<Edge[]> {
  const onEvent = (event: { event: string; [field: string]: unknown }): void => {
    if (event.event === 'exchange') onExchange(event['exchange'] as Exchange);
  };
  return Promise.all(
    Object.keys(environment.groups).map((group) => environment.startEdge(group, { onEvent })),
  );
}

async function failWhenEnded(edge: Edge): Promise<never> {
  const { code, signal } = await edge.process.exited;
  throw new Error(`edge core ${edge.core} ended by itself (${signal ?? `code ${code}`})`);
}

function announce(environment: Environment, edges: Edge[], print: (line: string) => void): void {
  const { outputs, cloud } = environment;
  print('');
  print(pc.bold('Ready. Devices connect with mutual TLS (MQTT 3.1.1):'));
  for (const edge of edges) {
    const setup = environment.groups[edge.group];
    print(`  group ${edge.group}: ${edge.core} on ${edge.host}:${edge.port}`);
    if (setup !== undefined) describeDevices(setup, print);
  }
  print(`  discovery: ${cloud.endpoints.iotTls}`);
  print(`Upload function packages to s3://${outputs.functionsBucket}/uploads/ at ${cloud.endpoints.s3}`);
  print('In another terminal: sls edge status --local, and every other command with --local.');
  print('Ctrl-C stops everything.');
  print('');
}

/** Resources that no edge needs are only counted; what differs from the template in the rest is said. */
export function describeLeftOut(
  { leftOut, notes }: Pick<Environment, 'leftOut' | 'notes'>,
  { print, verbose = false }: Pick<DevOptions, 'print' | 'verbose'>,
): void {
  for (const note of notes) print(pc.yellow(`  ! ${note}`));
  if (leftOut.length === 0) return;
  const count = `${leftOut.length} resource${leftOut.length === 1 ? '' : 's'} of the service`;
  print(
    `Not here, because no edge needs them or this cloud has none: ${count}${verbose ? ':' : ' (--verbose names them)'}`,
  );
  if (!verbose) return;
  for (const { logicalId, type, why } of leftOut) {
    print(`  ${logicalId} (${type})${why === undefined ? '' : `: ${why}`}`);
  }
}

function describeDevices({ devices }: GroupSetup, print: (line: string) => void): void {
  for (const { thingName, certificate, privateKey, ca } of devices) {
    print(`    ${thingName}: --cert ${certificate} --key ${privateKey} --ca ${ca}`);
  }
}

const OWNER_ONLY = 0o600;

/** Tells the commands (`--local`) of this environment: CloudFormation has no wire protocol here. */
export async function writeStackFile({ cloud, stackName }: Environment, file: string): Promise<void> {
  const stack = cloud.stack(stackName);
  if (stack === undefined) throw new EdgeError('INTERNAL', `stack ${stackName} is not deployed`);
  const content: StackFile = {
    format: 1,
    stackName,
    region: cloud.region,
    outputs: stack.outputs,
    environment: cloud.environment(),
    ca: cloud.authority.certificatePem,
    discoveryUrl: cloud.endpoints.iotTls,
  };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: OWNER_ONLY });
  await rename(`${file}.new`, file);
}
