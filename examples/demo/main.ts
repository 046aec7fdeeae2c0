/**
 * The demo: packages the project template through the framework, starts the local cloud from the
 * compiled template, an edge core and a device in processes of their own, and shows step by step how
 * the device gets functions and uses them. Exits 0 only if every outcome was the right one.
 *
 * Usage: node main.cjs [--engine direct|greengrassv2] [--delivery hot|components]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import pc from 'picocolors';
import {
  awaitInterruption,
  quietSdk,
  screenOf,
  startEnvironment,
  startProcess,
  Timeline,
  type Environment,
  type ProcessEvent,
} from '../../local';
import { preciseNow, type Exchange } from '../../protocol';

const DEVICE = 'sensor-1';
const GROUP = 'workshop';
const root = path.resolve(__dirname, '..', '..');

interface StepResult {
  title: string;
  expected: string;
  outcome: string;
  ok: boolean;
  detail?: unknown;
  ms: number;
}

const print = (line = ''): void => void process.stdout.write(`${line}\n`);
/** How the edge core's trace calls a function that ran on it. */
const RUNS_HERE = 'runs here';
const ranOnEdge = new Set<string>();
const timeline = new Timeline(print, screenOf(process.stdout));

function heading(text: string): void {
  print();
  print(pc.bold(text));
  timeline.restart(preciseNow());
}

/** Throws TypeError for an option that there is not; the plugin judges the values. */
function engineOptions(): Record<string, string> {
  const { values } = parseArgs({ options: { engine: { type: 'string' }, delivery: { type: 'string' } } });
  return values;
}

async function main(): Promise<boolean> {
  const params = engineOptions();
  quietSdk();
  const interruption = awaitInterruption();
  const stateDir = await mkdtemp(path.join(tmpdir(), 'edge-demo-'));
  const abort = new AbortController();
  const starting = startEnvironment({
    ...{ serviceDir: root, stateDir, stage: 'dev', params },
    onExchange: (exchange) => timeline.add(exchange),
    signal: abort.signal,
  });
  try {
    const interrupted = interruption.came.then((signal) => Promise.reject(new Error(`ended by ${signal}`)));
    return await Promise.race([show(stateDir, starting), interrupted]);
  } finally {
    abort.abort();
    // Until it has ended, it writes there.
    const environment = await starting.catch(() => undefined);
    await environment?.close();
    await rm(stateDir, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function show(stateDir: string, starting: Promise<Environment>): Promise<boolean> {
  heading('The cloud: package the service, deploy its template, register its functions');
  const environment = await starting;
  timeline.flush();
  describeCloud(environment);
  heading('The edge: a core in a process of its own');
  const edge = await environment.startEdge(GROUP, { onEvent: collectExchange });
  await edge.process.waitFor('ready');
  timeline.flush();
  print(`  ${edge.core} (pid ${edge.process.pid}) serves devices on ${edge.host}:${edge.port}`);
  return summarise(await runDevice(environment, stateDir));
}

async function runDevice(environment: Environment, stateDir: string): Promise<StepResult[]> {
  const { certificate, privateKey, ca } = await environment.deviceCredentials(DEVICE);
  const config = path.join(stateDir, 'device.json');
  const discovery = { url: environment.cloud.endpoints.iotTls };
  await writeFile(config, JSON.stringify({ thingName: DEVICE, certificate, privateKey, ca, discovery }), {
    mode: 0o600,
  });
  heading(`The device: ${DEVICE}, in a process of its own`);
  const narrator = new Narrator();
  const device = startProcess({
    name: DEVICE,
    script: path.join(root, 'dist', 'demo', 'device.cjs'),
    args: [config],
    onEvent: (event) => narrator.handle(event),
  });
  await device.exited;
  narrator.closeStep();
  return narrator.results;
}

function collectExchange(event: ProcessEvent): void {
  if (event.event !== 'exchange') return;
  const exchange = event['exchange'] as Exchange;
  timeline.add(exchange);
  if (exchange.what === RUNS_HERE && exchange.ok && exchange.requestId) ranOnEdge.add(exchange.requestId);
}

function describeCloud({ cloud, outputs, groups }: Environment): void {
  print(
    `  HTTP routes at ${outputs.httpApiUrl}, MQTT at ${cloud.endpoints.mqtt.host}:${cloud.endpoints.mqtt.port}`,
  );
  for (const { group, definition } of Object.values(groups)) {
    print(
      `  group "${group}": revision ${definition.revision}, ${Object.keys(definition.devices).length} devices`,
    );
  }
}

/** A step is shown when the next begins: by then the exchanges of every process have arrived. */
class Narrator {
  readonly results: StepResult[] = [];
  private open: StepResult | undefined;

  handle(event: ProcessEvent): void {
    if (event.event === 'begin') {
      this.closeStep();
      heading(String(event['title']));
      timeline.restart(Number(event['at']));
    } else if (event.event === 'step') {
      this.open = event as unknown as StepResult;
    } else if (event.event === 'failed') {
      print(pc.red(`  ${String(event['message'])}`));
    }
  }

  closeStep(): void {
    timeline.flush();
    if (this.open === undefined) return;
    this.results.push(this.open);
    print(`  ${this.open.ok ? pc.green('✔') : pc.red('✘')} ${describe(this.open)}`);
    this.open = undefined;
  }
}

const EXPECTED_STEPS = 8;

/** An asynchronous call has no answer: that it ran shows on the edge alone. */
function ranAsynchronously({ detail }: StepResult): boolean {
  const requestId = (detail as { requestId?: string } | undefined)?.requestId;
  return requestId !== undefined && ranOnEdge.has(requestId);
}

/** No colours of its own, one line per row. */
const PLAIN = { head: [], border: [], compact: true };

const DETAIL_LENGTH = 110;

function describe({ outcome, expected, ok, detail }: StepResult): string {
  const given = detail ?? '';
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const short = text.length > DETAIL_LENGTH ? `${text.slice(0, DETAIL_LENGTH)}…` : text;
  return ok ? `${outcome} ${pc.dim(short)}` : `${outcome}, expected ${expected} ${short}`;
}

function summarise(results: StepResult[]): boolean {
  const table = new Table({
    head: ['step', 'expected', 'outcome', 'ms'],
    style: PLAIN,
    colAligns: ['left', 'left', 'left', 'right'],
  });
  for (const { title, expected, outcome, ok, ms } of results) {
    table.push([title, expected, ok ? pc.green(outcome) : pc.red(outcome), ms.toFixed(1)]);
  }
  print();
  print(table.toString());
  print('Times are of one run on loopback, first calls included; npm run bench measures.');
  return (
    results.length === EXPECTED_STEPS && results.every(({ ok }) => ok) && results.some(ranAsynchronously)
  );
}

main().then(
  (ok) => {
    print(ok ? pc.green('Every outcome was the right one.') : pc.red('Some outcomes were wrong.'));
    process.exitCode = ok ? 0 : 1;
  },
  (error: unknown) => {
    print(pc.red(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    // Interrupted, it may still be starting something; that ends with this process.
    process.exit(1);
  },
);
