import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EdgeError, type GroupDefinition } from '../../protocol';
import { startLocalCloud, type LocalCloud } from '../cloud';
import type { CloudOptions } from '../cloudOptions';
import { startEdgeProcess, type Edge, type EdgeOptions, type EdgePlace } from './edge';
import { GreengrassCore, startGreengrassEdge } from './greengrassEdge';
import { updateGroup } from '../../operations/groups/changeGroup';
import type { EdgePackage } from '../../operations/groups/groupFiles';
import type { WantedGroup } from '../../operations/groups/groupUpdate';
import { createOperator, type Operator } from '../../operations/operator';
import { serviceOutputs, type ServiceOutputs } from '../../operations/outputs';
import { invocationExchange } from './terminal/timeline';
import { linkRuntimeModules } from './runtimeModules';
import { packageService, readPackagedService, type PackagedService } from './packaging';
import type { DeployRequest } from '../stack/deploy';
import type { LeftOut } from '../stack/selection';
import { readDeployManifest } from '../../operations/packages/deployManifest';
import { readPlan, type DeployPlan } from '../../operations/packages/plan';
import { registerPackages, type RegisteredUpload } from '../../operations/packages/registerPackages';
import { applyPlan, type AppliedGroup, type AppliedPlan } from '../../operations/groups/applyPlan';
import { moveToLatest, type MovedFunctions } from '../../operations/groups/moveToLatest';
import { withFreeVersions } from './freeVersions';
import { ThingStore, type ThingFiles } from '../../operations/things/thingFiles';

export interface EnvironmentOptions extends Omit<CloudOptions, 'codeDir'> {
  serviceDir: string;
  /**
   * Where the cloud and the edges unpack functions, and edges keep their state: outside of the service, so
   * that Node does not find the modules that it has installed. `stateDir` unless told.
   */
  cacheDir?: string;
  stage?: string;
  /** Values of `${param:…}` in the service's configuration, when it is packaged now. */
  params?: Record<string, string>;
  /** What an earlier `serverless package` left there; absent: the service is packaged now. */
  packageDir?: string;
  /** The same, as it was read. */
  packaged?: PackagedService;
  /** Changes the compiled template before it is deployed: a test removes one permission. */
  transform?: (template: CloudFormationTemplate) => void;
  /** Ends the start: the packaging at once, the rest between two steps. */
  signal?: AbortSignal;
}

/** A compiled template as parsed JSON, for a test that changes it. */
export interface CloudFormationTemplate {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}

export interface GroupSetup {
  group: string;
  core: ThingFiles;
  devices: ThingFiles[];
  /** The definition as it was when the group was set up. */
  definition: GroupDefinition;
}

/** A deployed service with its groups, as an operator would have set it up. */
export interface Environment {
  readonly cloud: LocalCloud;
  readonly stackName: string;
  readonly operator: Operator;
  readonly outputs: ServiceOutputs;
  readonly groups: Record<string, GroupSetup>;
  /** Resources of the template that no edge needs, or that the local cloud does not have. */
  readonly leftOut: readonly LeftOut[];
  /** What is otherwise than the template says; a line each. */
  readonly notes: readonly string[];
  /** Throws EdgeError NOT_FOUND for a thing that was never provisioned. */
  deviceCredentials(thingName: string): Promise<ThingFiles>;
  /** Provisions a device; with a group also adds it there and associates it with the group's core. */
  addDevice(thingName: string, group?: string): Promise<ThingFiles>;
  /** Uploads function packages and waits until each is registered. Throws what one was refused for. */
  registerPackages(packages: readonly EdgePackage[]): Promise<RegisteredUpload[]>;
  /** Deploys the service as it was packaged anew: its stack, functions, groups and their things. */
  deploy(service: PackagedService): Promise<AppliedPlan>;
  /** Registers what changed and moves devices that use it, and what groups preload, to it. */
  updateFunctions(packages: readonly EdgePackage[]): Promise<MovedFunctions>;
  /** Submits an operator's update and waits until the definition has absorbed it. */
  updateGroup(wanted: WantedGroup): Promise<GroupDefinition>;
  startEdge(group: string, options?: EdgeOptions): Promise<Edge>;
  /** Stops the edges that still run, then the cloud. */
  close(): Promise<void>;
}

/**
 * Packages the service, starts the local cloud, deploys the compiled template, uploads the edge
 * packages, provisions the things of each group and waits for its first definition.
 * Throws EdgeError or AwsError of the step that failed, or the reason of the signal; then nothing is left
 * running.
 */
export async function startEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const stateDir = resolve(options.stateDir);
  const service = await packagedService(options, stateDir);
  const { onExchange, onInvocation, signal, cacheDir = stateDir } = options;
  signal?.throwIfAborted();
  const cloud = await startLocalCloud({
    region: service.region,
    ...options,
    stateDir: join(stateDir, 'cloud'),
    codeDir: await codeFolder(cacheDir, options.serviceDir),
    onInvocation: (invocation) => {
      onInvocation?.(invocation);
      const exchange = onExchange && invocationExchange(service.stackName, invocation);
      if (exchange !== undefined) onExchange?.(exchange);
    },
  });
  const operator = createOperator(cloud.environment());
  try {
    signal?.throwIfAborted();
    const stack = await deployStack(cloud, service, options.transform);
    signal?.throwIfAborted();
    const environment = new ServiceEnvironment(cloud, service.stackName, operator, stack, {
      things: join(stateDir, 'things'),
      edges: await edgesFolder(cloud, cacheDir),
    });
    await environment.rollOut(await readPlan(service.edgeDir));
    return environment;
  } catch (error) {
    operator.close();
    await cloud.close();
    throw error;
  }
}

async function packagedService(options: EnvironmentOptions, stateDir: string): Promise<PackagedService> {
  const { packaged, packageDir, serviceDir, stage, params, signal } = options;
  if (packaged !== undefined) return packaged;
  if (packageDir !== undefined) return readPackagedService(resolve(packageDir));
  return packageService({
    ...{ serviceDir, signal, packageDir: join(stateDir, 'package') },
    ...(stage !== undefined && { stage }),
    ...(params && { params }),
  });
}

type DeployedStack = Pick<Environment, 'outputs' | 'leftOut' | 'notes'>;

async function deployStack(
  cloud: LocalCloud,
  service: PackagedService,
  transform: EnvironmentOptions['transform'],
): Promise<DeployedStack> {
  const { stackName, template, artifactsDir } = service;
  const { outputs, leftOut, notes } = await cloud.deploy({
    ...{ stackName, template, artifacts: artifactsDir },
    ...(await neededBy(service)),
    ...(transform && { transform }),
  });
  return { outputs: serviceOutputs(outputs), leftOut, notes };
}

/** Edges need what the plugin adds to the template, and the functions that devices may use in the cloud. */
async function neededBy({ edgeDir }: PackagedService): Promise<Pick<DeployRequest, 'isNeeded'>> {
  const { cloudFunctions } = await readDeployManifest(edgeDir);
  if (cloudFunctions === undefined) return {};
  const functions = new Set(cloudFunctions);
  return { isNeeded: (logicalId) => logicalId.startsWith('Edge') || functions.has(logicalId) };
}

async function codeFolder(cacheDir: string, serviceDir: string): Promise<string> {
  const folder = join(cacheDir, 'lambda');
  await linkRuntimeModules(folder, serviceDir);
  return join(folder, 'code');
}

/**
 * An edge must not meet another cloud with what it knows from one before, whose state somebody removed: the
 * state of edges lies under the name of the cloud's authority.
 */
async function edgesFolder({ authority }: LocalCloud, folder: string): Promise<string> {
  const name = createHash('sha256').update(authority.certificatePem).digest('hex').slice(0, 12);
  const edges = join(folder, 'edges');
  await mkdir(join(edges, name), { recursive: true, mode: 0o700 });
  const others = (await readdir(edges)).filter((other) => other !== name);
  await Promise.all(others.map((other) => rm(join(edges, other), { recursive: true, force: true })));
  return join(edges, name);
}

class ServiceEnvironment implements Environment {
  readonly groups: Record<string, GroupSetup> = {};
  readonly #things: ThingStore;
  /** The edges, also those that are still starting: they write into the folders and use the cloud. */
  readonly #edges = new Set<Promise<Edge>>();
  #closed: Promise<void> | undefined;
  /** Of the groups, as the service has them. */
  private files: DeployPlan['groups'] = [];

  constructor(
    readonly cloud: LocalCloud,
    readonly stackName: string,
    readonly operator: Operator,
    private stack: DeployedStack,
    private readonly folders: { things: string; edges: string },
  ) {
    this.#things = new ThingStore(folders.things, operator, cloud.authority.certificatePem);
  }

  get outputs(): ServiceOutputs {
    return this.stack.outputs;
  }

  get leftOut(): readonly LeftOut[] {
    return this.stack.leftOut;
  }

  get notes(): readonly string[] {
    return this.stack.notes;
  }

  registerPackages(packages: readonly EdgePackage[]): Promise<RegisteredUpload[]> {
    return registerPackages(this, packages);
  }

  async deploy(service: PackagedService): Promise<AppliedPlan> {
    this.stack = await deployStack(this.cloud, service, undefined);
    return this.rollOut(await readPlan(service.edgeDir));
  }

  /** Where `sls deploy` takes the things that are there, this provisions those that are missing. */
  async rollOut({ packages, groups: files }: DeployPlan): Promise<AppliedPlan> {
    const plan = { packages: await withFreeVersions(this, packages), groups: files };
    const things = new Map<string, Promise<ThingFiles>>();
    const applied = await applyPlan(plan, {
      operator: this.operator,
      outputs: this.outputs,
      identify: (thingName, role) => {
        // A device of several groups is provisioned once.
        const thing =
          things.get(thingName) ??
          (role === 'core' ? this.#ensureCore(thingName) : this.#ensureDevice(thingName));
        things.set(thingName, thing);
        return thing;
      },
    });
    for (const done of applied.groups) this.groups[done.group] = await setupOf(done, things);
    this.files = files;
    // Claims name the versions of an earlier run.
    await moveToLatest(this, plan.packages, files);
    return applied;
  }

  async updateFunctions(packages: readonly EdgePackage[]): Promise<MovedFunctions> {
    return moveToLatest(this, await withFreeVersions(this, packages), this.files);
  }

  async deviceCredentials(thingName: string): Promise<ThingFiles> {
    const files = await this.#things.find(thingName);
    if (files === undefined) throw new EdgeError('NOT_FOUND', `no thing ${thingName} was provisioned here`);
    return files;
  }

  async addDevice(thingName: string, group?: string): Promise<ThingFiles> {
    const setup = group === undefined ? undefined : this.#group(group);
    const device = await this.#ensureDevice(thingName);
    if (setup === undefined) return device;
    await this.updateGroup({ group: setup.group, devices: [device] });
    await this.operator.associateDevices(setup.core.thingName, [thingName]);
    setup.devices.push(device);
    return device;
  }

  async updateGroup(wanted: WantedGroup): Promise<GroupDefinition> {
    const { after } = await updateGroup(this, wanted);
    return after;
  }

  async startEdge(group: string, options: EdgeOptions = {}): Promise<Edge> {
    const { cloud, outputs } = this;
    const { core } = this.#group(group);
    const stateDir = join(this.folders.edges, group);
    const place = { cloud, outputs, group, core, stateDir };
    if (this.#closed !== undefined) throw new EdgeError('CLOSED', 'the environment is closed');
    const starting = this.#start(place, options);
    this.#edges.add(starting);
    const forget = (): void => void this.#edges.delete(starting);
    starting.then((edge) => edge.process.exited).then(forget, forget);
    return starting;
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  /** Groups of an engine that offers more than one delivery are Greengrass'. */
  async #start(place: EdgePlace, options: EdgeOptions): Promise<Edge> {
    const definition = await this.operator.definition(this.outputs.stateBucket, place.group);
    if (definition?.engine === undefined) return startEdgeProcess(place, options);
    const core = new GreengrassCore(this.operator, place, options);
    await core.admit();
    return startGreengrassEdge(place, () => core.deploy(definition), options);
  }

  async #close(): Promise<void> {
    await Promise.all(
      [...this.#edges].map((starting) =>
        starting.then(
          (edge) => edge.stop(),
          () => undefined,
        ),
      ),
    );
    this.operator.close();
    await this.cloud.close();
  }

  #ensureCore(thingName: string): Promise<ThingFiles> {
    const { corePolicy, corePrefix } = this.outputs;
    return this.#things.ensure({ thingName, policyName: corePolicy, madeBy: corePrefix });
  }

  #ensureDevice(thingName: string): Promise<ThingFiles> {
    const { devicePolicy, corePrefix } = this.outputs;
    return this.#things.ensure({ thingName, policyName: devicePolicy, madeBy: corePrefix });
  }

  #group(group: string): GroupSetup {
    const setup = this.groups[group];
    if (setup === undefined) throw new EdgeError('GROUP_NOT_FOUND', `the service has no group ${group}`);
    return setup;
  }
}

/** The definition names whom the group has; files are at hand for those that were provisioned here. */
async function setupOf(
  { group, definition, warnings }: AppliedGroup,
  things: ReadonlyMap<string, Promise<ThingFiles>>,
): Promise<GroupSetup> {
  const core = await things.get(definition.core?.thingName ?? '');
  if (core === undefined) throw new EdgeError('INTERNAL', `group ${group} was set up without its core`);
  if (warnings.length > 0) throw new EdgeError('CLOUD_ERROR', warnings.join('; '));
  const devices = await Promise.all(
    Object.keys(definition.devices).flatMap((name) => things.get(name) ?? []),
  );
  return { group, core, devices, definition };
}
