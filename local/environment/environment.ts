import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import {
  EdgeError,
  highestMatching,
  matchesDevicePattern,
  type FunctionManifest,
  type GroupDefinition,
  type UploadResult,
} from '../../protocol';
import { startLocalCloud, type CloudOptions, type LocalCloud } from '../cloud';
import { startEdgeProcess, type Edge, type EdgeOptions } from './edge';
import {
  readEdgePackages,
  readGroupFiles,
  type EdgePackage,
  type GroupFile,
} from '../../operator/groupFiles';
import { hasAbsorbed, operatorUpdate, type WantedGroup } from '../../operator/groupUpdate';
import { invocationExchange } from './invocations';
import { createOperator, type Operator } from '../../operator/operator';
import { serviceOutputs, type ServiceOutputs } from '../../operator/outputs';
import { packageService, readPackagedService } from './packaging';
import { ThingStore, type ThingFiles } from '../../operator/thingFiles';

export interface EnvironmentOptions extends CloudOptions {
  serviceDir: string;
  stage?: string;
  /** What an earlier `serverless package` left there; absent: the service is packaged now. */
  packageDir?: string;
  /** Changes the compiled template before it is deployed: a test removes one permission. */
  transform?(template: CloudFormationTemplate): void;
}

/** A compiled template as parsed JSON, for a test that changes it. */
export interface CloudFormationTemplate {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}

export type RegisteredUpload = Extract<UploadResult, { status: 'registered' }>;

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
  readonly operator: Operator;
  readonly outputs: ServiceOutputs;
  readonly groups: Record<string, GroupSetup>;
  /** Throws EdgeError NOT_FOUND for a thing that was never provisioned. */
  deviceCredentials(thingName: string): Promise<ThingFiles>;
  /** Provisions a device; with a group also adds it there and associates it with the group's core. */
  addDevice(thingName: string, group?: string): Promise<ThingFiles>;
  /** Uploads function packages and waits until each is registered. Throws what one was refused for. */
  registerPackages(packages: readonly EdgePackage[]): Promise<RegisteredUpload[]>;
  /** Submits an operator's update and waits until the definition has absorbed it. */
  updateGroup(wanted: WantedGroup): Promise<GroupDefinition>;
  startEdge(group: string, options?: EdgeOptions): Promise<Edge>;
  /** Stops the edges that still run, then the cloud. */
  close(): Promise<void>;
}

/**
 * Packages the service, starts the local cloud, deploys the compiled template, uploads the edge
 * packages, provisions the things of each group and waits for its first definition.
 * Throws EdgeError or AwsError of the step that failed; then nothing is left running.
 */
export async function startEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const stateDir = resolve(options.stateDir);
  const service =
    options.packageDir === undefined
      ? await packageService({
          serviceDir: options.serviceDir,
          packageDir: join(stateDir, 'package'),
          ...(options.stage === undefined ? {} : { stage: options.stage }),
        })
      : await readPackagedService(resolve(options.packageDir));
  const { onExchange, onInvocation } = options;
  const cloud = await startLocalCloud({
    region: service.region,
    ...options,
    stateDir: join(stateDir, 'cloud'),
    onInvocation: (invocation) => {
      onInvocation?.(invocation);
      const exchange = onExchange && invocationExchange(service.stackName, invocation);
      if (exchange !== undefined) onExchange?.(exchange);
    },
  });
  const operator = createOperator(cloud.environment());
  try {
    const { outputs } = await cloud.deploy({
      stackName: service.stackName,
      template: service.template,
      artifacts: service.artifactsDir,
      ...(options.transform && { transform: options.transform as (template: unknown) => void }),
    });
    const environment = new ServiceEnvironment(cloud, operator, serviceOutputs(outputs), stateDir);
    await environment.registerPackages(await readEdgePackages(service.edgeDir));
    await environment.setUpGroups(service.edgeDir);
    return environment;
  } catch (error) {
    operator.close();
    await cloud.close();
    throw error;
  }
}

class ServiceEnvironment implements Environment {
  readonly groups: Record<string, GroupSetup> = {};
  readonly #things: ThingStore;
  readonly #edges = new Set<Edge>();
  #closed: Promise<void> | undefined;

  constructor(
    readonly cloud: LocalCloud,
    readonly operator: Operator,
    readonly outputs: ServiceOutputs,
    private readonly stateDir: string,
  ) {
    this.#things = new ThingStore(join(stateDir, 'things'), operator, cloud.authority.certificatePem);
  }

  registerPackages(packages: readonly EdgePackage[]): Promise<RegisteredUpload[]> {
    const bucket = this.outputs.functionsBucket;
    return Promise.all(
      packages.map(async ({ name, bytes }) => {
        const upload = await this.operator.uploadPackage(bucket, name, bytes);
        const result = await this.operator.waitForResult(upload);
        if (result.status === 'refused') throw EdgeError.fromJSON(result.error);
        return result;
      }),
    );
  }

  async setUpGroups(edgeDir: string): Promise<void> {
    const files = await readGroupFiles(edgeDir);
    await Promise.all(
      files.map(async (file) => {
        this.groups[file.group] = await this.#setUpGroup(file);
      }),
    );
  }

  async deviceCredentials(thingName: string): Promise<ThingFiles> {
    const files = await this.#things.find(thingName);
    if (files === undefined) throw new EdgeError('NOT_FOUND', `no thing ${thingName} was provisioned here`);
    return files;
  }

  async addDevice(thingName: string, group?: string): Promise<ThingFiles> {
    const setup = group === undefined ? undefined : this.#group(group);
    const device = await this.#things.ensure({ thingName, policyName: this.outputs.devicePolicy });
    if (setup === undefined) return device;
    await this.updateGroup({ group: setup.group, devices: [device] });
    await this.operator.associateDevices(setup.core.thingName, [thingName]);
    setup.devices.push(device);
    return device;
  }

  async updateGroup(wanted: WantedGroup): Promise<GroupDefinition> {
    const bucket = this.outputs.stateBucket;
    const current = await this.operator.definition(bucket, wanted.group);
    const update = operatorUpdate(current, wanted, {
      requestId: randomUUID(),
      receivedAt: new Date().toISOString(),
      operator: 'local',
    });
    if (update !== undefined) await this.operator.submitUpdate(bucket, update);
    return this.operator.waitForDefinition(
      bucket,
      wanted.group,
      (definition) => update === undefined || hasAbsorbed(definition, update),
    );
  }

  async startEdge(group: string, options: EdgeOptions = {}): Promise<Edge> {
    const { cloud, outputs } = this;
    const { core } = this.#group(group);
    const stateDir = join(this.stateDir, 'edges', group);
    const edge = await startEdgeProcess({ cloud, outputs, group, core, stateDir }, options);
    this.#edges.add(edge);
    void edge.process.exited.then(() => this.#edges.delete(edge));
    return edge;
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#edges].map((edge) => edge.stop()));
    this.operator.close();
    await this.cloud.close();
  }

  async #setUpGroup(file: GroupFile): Promise<GroupSetup> {
    const { group, limits } = file;
    const { corePolicy, devicePolicy } = this.outputs;
    const core = await this.#things.ensure({ thingName: file.core, policyName: corePolicy });
    const names = await this.#deviceNames(file);
    const devices = await Promise.all(
      names.map((thingName) => this.#things.ensure({ thingName, policyName: devicePolicy })),
    );
    const statics = await Promise.all(file.statics.map((wanted) => this.#manifest(wanted)));
    const definition = await this.updateGroup({
      group,
      core: identity(core),
      devices: devices.map(identity),
      statics,
      ...(limits && { limits }),
    });
    await this.operator.associateDevices(core.thingName, names);
    return { group, core, devices, definition };
  }

  /** Names stand for themselves, patterns for the things that exist already. */
  async #deviceNames({ devices }: GroupFile): Promise<string[]> {
    const isPattern = (text: string): boolean => /[*?]/.test(text);
    const patterns = devices.filter(isPattern);
    const existing = patterns.length === 0 ? [] : await this.operator.thingNames();
    const matching = existing.filter((name) =>
      patterns.some((pattern) => matchesDevicePattern(pattern, name)),
    );
    return [...new Set([...devices.filter((name) => !isPattern(name)), ...matching])];
  }

  async #manifest(wanted: GroupFile['statics'][number]): Promise<FunctionManifest> {
    const index = await this.operator.functionIndex(this.outputs.stateBucket, wanted.function);
    if (index === undefined)
      throw new EdgeError('FUNCTION_NOT_FOUND', `${wanted.function} is not registered`);
    const version =
      wanted.version === undefined
        ? index.latest
        : highestMatching(Object.keys(index.versions), wanted.version);
    const entry = version === undefined ? undefined : index.versions[version];
    if (entry === undefined) {
      throw new EdgeError('VERSION_NOT_FOUND', `${wanted.function} has no version ${wanted.version ?? ''}`);
    }
    return entry.manifest;
  }

  #group(group: string): GroupSetup {
    const setup = this.groups[group];
    if (setup === undefined) throw new EdgeError('GROUP_NOT_FOUND', `the service has no group ${group}`);
    return setup;
  }
}

function identity({ thingName, certificateId }: ThingFiles) {
  return { thingName, certificateId };
}
