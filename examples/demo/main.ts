/**
 * The demo: packages the project template through the framework, starts the local cloud from the
 * compiled template, an edge core and a device in processes of their own, and shows step by step how
 * the device gets functions and uses them. Exits 0 only if every outcome was the right one.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Table from 'cli-table3';
import pc from 'picocolors';
import { startEnvironment, startProcess, Timeline, type Environment, type ProcessEvent } from '../../local';
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
const timeline = new Timeline(print, { plain: (text) => text, refused: pc.yellow });

function heading(text: string): void {
  print();
  print(pc.bold(text));
}

async function main(): Promise<boolean> {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'edge-demo-'));
  let environment: Environment | undefined;
  try {
    heading('The cloud: package the service, deploy its template, register its functions');
    environment = await startEnvironment({
      serviceDir: root,
      stateDir,
      stage: 'dev',
      onExchange: (exchange) => timeline.add(exchange),
    });
    timeline.flush();
    describeCloud(environment);
    heading('The edge: a core in a process of its own');
    const edge = await environment.startEdge(GROUP, { onEvent: collectExchange });
    await edge.process.waitFor('ready');
    timeline.flush();
    print(`  ${edge.core} (pid ${edge.process.pid}) serves devices on ${edge.host}:${edge.port}`);
    return summarise(await runDevice(environment, stateDir));
  } finally {
    await environment?.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}

async function runDevice(environment: Environment, stateDir: string): Promise<StepResult[]> {
  const { certificate, privateKey, ca } = await environment.deviceCredentials(DEVICE);
  const config = path.join(stateDir, 'device.json');
  const discovery = { url: environment.cloud.endpoints.iotTls };
  await writeFile(config, JSON.stringify({ thingName: DEVICE, certificate, privateKey, ca, discovery }), {
    mode: 0o600,
  });
  heading(`The device: ${DEVICE}, in a process of its own`);
  const results: StepResult[] = [];
  const device = startProcess({
    name: DEVICE,
    script: path.join(root, 'dist', 'demo', 'device.cjs'),
    args: [config],
    onEvent: (event) => handleDeviceEvent(event, results),
  });
  const { code } = await device.exited;
  if (code !== 0 && results.every(({ ok }) => ok))
    throw new Error(`the device ended with code ${code}: see above`);
  return results;
}

function collectExchange(event: ProcessEvent): void {
  if (event.event === 'exchange') timeline.add(event['exchange'] as Exchange);
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

function handleDeviceEvent(event: ProcessEvent, results: StepResult[]): void {
  if (event.event === 'begin') {
    timeline.flush();
    heading(String(event['title']));
    timeline.restart(preciseNow());
  } else if (event.event === 'step') {
    timeline.flush();
    const result = event as unknown as StepResult;
    results.push(result);
    print(`  ${result.ok ? pc.green('✔') : pc.red('✘')} ${describe(result)}`);
  }
}

const DETAIL_LENGTH = 110;

function describe({ outcome, expected, ok, detail }: StepResult): string {
  const text = typeof detail === 'string' ? detail : (JSON.stringify(detail) ?? '');
  const short = text.length > DETAIL_LENGTH ? `${text.slice(0, DETAIL_LENGTH)}…` : text;
  return ok ? `${outcome} ${pc.dim(short)}` : `${outcome}, expected ${expected} ${short}`;
}

function summarise(results: StepResult[]): boolean {
  const table = new Table({
    head: ['step', 'expected', 'outcome', 'ms'],
    colAligns: ['left', 'left', 'left', 'right'],
  });
  for (const { title, expected, outcome, ok, ms } of results) {
    table.push([title, expected, ok ? pc.green(outcome) : pc.red(outcome), ms.toFixed(1)]);
  }
  print();
  print(table.toString());
  print('Times are of one run on loopback, first calls included; npm run bench measures.');
  const EXPECTED_STEPS = 8;
  return results.length === EXPECTED_STEPS && results.every(({ ok }) => ok);
}

main().then(
  (ok) => {
    print(ok ? pc.green('Every outcome was the right one.') : pc.red('Some outcomes were wrong.'));
    process.exitCode = ok ? 0 : 1;
  },
  (error: unknown) => {
    print(pc.red(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    process.exitCode = 1;
  },
);
