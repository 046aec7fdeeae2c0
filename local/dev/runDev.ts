import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EdgeError, type Exchange } from '../../protocol';
import { backgroundClock, monotonicClock } from '../../lib/clock';
import type { FunctionLogLine } from '../../runtime/host';
import { readDeployManifest } from '../../operations/packages/deployManifest';
import { STACK_FILE, type StackFile } from '../../operations/stackFile';
import { AwsError } from '../base/context';
import { lockFolder } from '../base/folderLock';
import { quietSdk } from '../quietSdk';
import { LOOPBACK, whyNotListen } from './addresses';
import { cacheFolder } from './cacheFolder';
import { Changes } from './changes';
import { DevEdges, notFree, openingText, type DeviceFile } from './devEdges';
import { startEnvironment, type Environment } from './environment';
import { awaitInterruption } from './interruption';
import { startPackager, type Packager } from './packager';
import type { PackagedService } from './packaging';
import { DevSession, shortPath } from './session';
import { readDevState, writeDevState, type DevState } from './state';
import { DevTerminal } from './terminal/devTerminal';
import { listenForKeys } from './terminal/keys';
import { StackTraces } from './terminal/stackTrace';
import { ownName } from './terminal/timeline';
import { Steps, type Progress } from './terminal/steps';
import { oneLine, screenOf } from './terminal/text';
import { watchSources } from './watch';

export interface DevOptions {
  serviceDir: string;
  stage: string;
  /** Certificates, buckets, and the state of the edge cores; survives restarts. */
  stateDir: string;
  /** Further options of the framework's command line, for when it packages. */
  args?: readonly string[];
  print: (line: string) => void;
  progress: Progress;
  /** Neither exchanges nor output of functions. */
  quiet?: boolean;
  /** Output of these functions alone. */
  logs?: readonly string[];
  /** Names the resources that are not made, and why. */
  verbose?: boolean;
  /** Where devices reach the edges: `127.0.0.1`, and free ports that are kept, unless told. */
  host?: string;
  port?: number;
}

/** As shells have it for a program that Ctrl-C has ended. */
const INTERRUPTED = 130;
/** How often what has happened is printed. */
const FLUSH_MS = 50;

/**
 * The whole service on this machine until a signal or the key `q`: local cloud, an edge core per group.
 * Prints where devices connect, then what happens; saved files are brought to the edges. Throws EdgeError when
 * something does not start; then nothing is left running.
 */
export async function runDev(options: DevOptions): Promise<void> {
  try {
    await runUntilEnded(options);
  } catch (error) {
    throw error instanceof AwsError ? new EdgeError('CLOUD_ERROR', error.message, { cause: error }) : error;
  }
}

async function runUntilEnded(options: DevOptions): Promise<void> {
  quietSdk();
  const { stateDir, host = LOOPBACK, port = 0 } = options;
  const unlock = await lock(stateDir);
  const interruption = awaitInterruption();
  const abort = new AbortController();
  void interruption.came.then(() => abort.abort(new EdgeError('ABORTED')));
  try {
    const why = await whyNotListen(host, port);
    if (why !== undefined) throw notFree(host, port, why);
    const run = new DevRun(options, await readDevState(stateDir), abort.signal);
    try {
      await run.start();
      await Promise.race([interruption.came, run.ended]);
      options.print('Stopping.');
    } finally {
      await run.close();
    }
  } catch (error) {
    // The framework has taken note of the signal, too, and a failure would be a fault of its own now.
    if (!abort.signal.aborted) throw error;
    options.print('Ended before it was ready.');
    process.exitCode = INTERRUPTED;
  } finally {
    interruption.release();
    await unlock();
  }
}

/** Throws CONFLICT. */
async function lock(stateDir: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(stateDir, 'dev.lock');
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'CONFLICT') throw error;
    const pid = String(error.details?.['pid']);
    throw new EdgeError('CONFLICT', `"sls edge dev" runs here already (process ${pid})`, {
      expected: 'use that one: every command takes --local; or end it with q or Ctrl-C',
    });
  }
}

/** One run, from its start to its end. */
class DevRun {
  /** Rejects when an edge core ends by itself. */
  readonly ended: Promise<void>;
  private readonly screen = screenOf(process.stdout);
  private readonly terminal: DevTerminal;
  private readonly steps: Steps;
  private readonly closers: (() => Promise<void> | void)[] = [];
  private readonly names = new Map<string, string>();
  private end: () => void = () => undefined;
  private fail: (reason: Error) => void = () => undefined;

  constructor(
    private readonly options: DevOptions,
    private readonly state: DevState,
    private readonly signal: AbortSignal,
  ) {
    const { print, quiet = false, logs, serviceDir, progress } = options;
    this.ended = new Promise((resolve, reject) => ([this.end, this.fail] = [resolve, reject]));
    this.ended.catch(() => undefined);
    this.terminal = new DevTerminal({
      ...{ print, screen: this.screen, logs, quiet },
      traces: new StackTraces({ serviceDir }),
      nameOf: (party) => this.names.get(party) ?? party,
    });
    this.steps = new Steps(progress, monotonicClock);
  }

  async start(): Promise<void> {
    const begun = performance.now();
    const packager = await this.step('Packaging the service', (detail) => this.package(detail));
    // Of the session, once there is one: it may be another by then.
    let closePackager = (): Promise<void> => packager.close();
    this.closers.push(() => closePackager());
    const environment = await this.step('Deploying to the local cloud', () => this.deploy(packager));
    this.closers.push(() => environment.close());
    const edges = this.edgesOf(environment);
    const devices = await this.step('Starting edge cores', () =>
      edges.follow(Object.keys(environment.groups)),
    );
    await this.remember(environment, edges);
    const session = this.sessionOf(environment, edges, packager);
    closePackager = () => session.close();
    const changes = await this.watch(session);
    this.showWhatHappens();
    this.announce(environment, edges, devices, performance.now() - begun);
    this.listen(changes, edges);
    warmUp(environment);
  }

  /** What was started, the last first. */
  async close(): Promise<void> {
    for (const step of this.closers.toReversed()) await step();
  }

  private step<T>(text: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    return this.steps.run(text, work);
  }

  private package(detail: (text: string) => void): Promise<Packager> {
    const { serviceDir, stage, args = [] } = this.options;
    const onLine = (line: string): void => detail(oneLine(line));
    return startPackager({ serviceDir, stage, args, signal: this.signal, onLine });
  }

  private async deploy(packager: Packager): Promise<Environment> {
    const { serviceDir, stage, stateDir } = this.options;
    const { discovery } = this.state;
    const warn = (text: string): void => this.options.print(this.screen.colours.yellow(`  ! ${text}`));
    const isFree = discovery !== undefined && (await whyNotListen(LOOPBACK, discovery)) === undefined;
    return startEnvironment({
      ...{ serviceDir, stage, stateDir, signal: this.signal, packaged: packager.service },
      ...(isFree && { discoveryPort: discovery }),
      cacheDir: await cacheFolder({ serviceDir, stage }, warn),
      endpoints: endpointsElsewhere(process.env),
      onExchange: (exchange) => this.terminal.exchange(exchange),
      functionHost: { onLog: this.cloudOutput(packager.service) },
    });
  }

  /** What functions print that run in the cloud; system functions log for others. */
  private cloudOutput({ stackName, edgeDir }: PackagedService): (line: FunctionLogLine) => void {
    const own = readDeployManifest(edgeDir).then(({ packages }) => new Set(packages.map(({ name }) => name)));
    return ({ key, stream, text }) => {
      const at = Date.now();
      const name = ownName(stackName, key.split(':')[0] ?? '');
      void own.then((names) => names.has(name) && this.terminal.output(at, name, stream, text));
    };
  }

  private edgesOf(environment: Environment): DevEdges {
    const { stateDir, host, port, print } = this.options;
    return new DevEdges({
      ...{ environment, host, port, state: this.state },
      deviceDir: join(stateDir, 'things'),
      onEvent: (event) => {
        if (event.event === 'exchange') this.terminal.exchange(event['exchange'] as Exchange);
      },
      onLine: (line) => this.terminal.coreLine(line),
      say: (text) => print(this.screen.colours.yellow(text)),
      onEnded: (reason) => this.fail(reason),
      nameOf: (core, name) => this.names.set(core, name),
    });
  }

  /** For the next run, and for the commands in other terminals. */
  private async remember(environment: Environment, edges: DevEdges): Promise<void> {
    const { stateDir } = this.options;
    const discovery = Number(new URL(environment.cloud.endpoints.iotTls).port);
    await writeDevState(stateDir, { format: 1, edges: edges.ports(), discovery });
    const stackFile = join(stateDir, STACK_FILE);
    await writeStackFile(environment, stackFile);
    this.closers.push(() => rm(stackFile, { force: true }));
  }

  private sessionOf(environment: Environment, edges: DevEdges, packager: Packager): DevSession {
    return new DevSession({
      ...{ environment, edges, packager, steps: this.steps, terminal: this.terminal },
      colours: this.screen.colours,
      startPackager: (detail) => this.package(detail),
      onApplied: () => this.remember(environment, edges),
    });
  }

  private async watch(session: DevSession): Promise<Changes> {
    const changes = new Changes({ clock: backgroundClock, act: (plan) => session.act(plan) });
    const watch = await watchSources(this.options.serviceDir, (file) => changes.saved(file));
    this.closers.push(async () => {
      changes.close();
      await watch.close();
    });
    return changes;
  }

  private showWhatHappens(): void {
    const flushing = setInterval(() => this.terminal.flush({ all: false }), FLUSH_MS);
    this.closers.push(() => {
      clearInterval(flushing);
      this.terminal.flush();
    });
  }

  private announce(environment: Environment, edges: DevEdges, devices: DeviceFile[], ms: number): void {
    const { print, host = LOOPBACK } = this.options;
    const { colours } = this.screen;
    const { outputs, cloud } = environment;
    print('');
    print(
      colours.bold(`Ready in ${(ms / 1_000).toFixed(1)} s. Devices connect with mutual TLS (MQTT 3.1.1):`),
    );
    for (const line of deviceLines(edges, devices)) print(line);
    const opening = openingText(host);
    if (opening !== undefined) print(colours.yellow(opening));
    this.announceLeftOut(environment);
    print(`Discovery: ${cloud.endpoints.iotTls}`);
    print(`Packages of your own: s3://${outputs.functionsBucket}/uploads/ at ${cloud.endpoints.s3}`);
    print('In another terminal: sls edge status --local, and every other command with --local.');
    print('Saved files are brought to the edges. Ctrl-C stops everything.');
  }

  /** Resources that no edge needs are only counted; what differs from the template in the rest is said. */
  private announceLeftOut({ leftOut, notes }: Environment): void {
    const { print, verbose = false } = this.options;
    for (const note of notes) print(this.screen.colours.yellow(`  ! ${note}`));
    if (leftOut.length === 0) return;
    const count = `${leftOut.length} resource${leftOut.length === 1 ? '' : 's'} of the service`;
    const how = verbose ? ':' : ' (--verbose names them)';
    print(`Not here, because no edge needs them or this cloud has none: ${count}${how}`);
    if (!verbose) return;
    for (const { logicalId, type, why } of leftOut) {
      print(`  ${logicalId} (${type})${why === undefined ? '' : `: ${why}`}`);
    }
  }

  private listen(changes: Changes, edges: DevEdges): void {
    const { print } = this.options;
    const { terminal } = this;
    const release = listenForKeys(process.stdin, {
      r: () => changes.redeploy(),
      l: () => {
        terminal.showsOutput = !terminal.showsOutput;
        terminal.say(`Output of functions is ${terminal.showsOutput ? 'shown' : 'hidden'}.`);
      },
      d: () => {
        void edges.writeDeviceFiles().then((devices) => deviceLines(edges, devices).forEach(print));
      },
      q: () => this.end(),
    });
    if (release === undefined) return;
    this.closers.push(release);
    print(`Keys: ${this.screen.colours.bold('r')} redeploy, l logs, d devices, q quit`);
  }
}

/** Of services that the local cloud does not have, as whoever starts it has set them. */
function endpointsElsewhere(env: NodeJS.ProcessEnv): Record<string, string> {
  const set = Object.entries(env).filter(([name]) => name.startsWith('AWS_ENDPOINT_URL'));
  return Object.fromEntries(set) as Record<string, string>;
}

/** What the first request and the first saved file go through; each takes a second to load. */
const ON_THE_WAY = ['validateFunction', 'handleDeploymentRequest', 'createFunction', 'performDeployment'];

/** In the background: who is quicker waits for it. */
function warmUp({ cloud, stackName }: Environment): void {
  for (const { type, ref } of Object.values(cloud.stack(stackName)?.resources ?? {})) {
    const isOnTheWay = ON_THE_WAY.some((name) => ref.endsWith(`-${name}`));
    // One that does not load says so when it is called.
    if (type === 'AWS::Lambda::Function' && isOnTheWay)
      cloud.services.lambda.warm(ref).catch(() => undefined);
  }
}

function deviceLines(edges: DevEdges, devices: readonly DeviceFile[]): string[] {
  return edges
    .all()
    .flatMap(({ group, core, host, port }) => [
      `  group ${group}: ${core} on ${host}:${port}`,
      ...devices
        .filter((device) => device.group === group)
        .map(({ thingName, file }) => `    ${thingName}: ${shortPath(file)}`),
    ]);
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
