import {
  functionKey,
  wantedFunctions,
  type CoreUpdate,
  type FunctionManifest,
  type GroupDefinition,
  type StoredUpdate,
} from '../../../../protocol';
import { handleDeploymentRequest } from '../../../../handlers/handleDeploymentRequest/handleDeploymentRequest';
import { performDeployment } from '../../../../handlers/performDeployment/performDeployment';
import { certificateOf, CORE, CORE_CERTIFICATE, plant, storedUpdate } from '../../fixtures';
import { MemoryDefinitions, MemoryRequests } from '../../memory/definitions';
import { MemoryCoreMessages, MemoryDeviceDirectory, MemoryLog, PassingClock } from '../../memory/messages';
import { MemoryRegistry } from '../../memory/registry';
import { register } from '../registered';
import type { EngineWorld } from './engineWorld';

/** Longer than any way to a good end. */
const MOST_ROUNDS = 12;

/** The group `plant` under an engine: what arrives is stored and deployed as in the cloud. */
export class TestGroup {
  readonly definitions = new MemoryDefinitions();
  readonly requests = new MemoryRequests();
  readonly registry = new MemoryRegistry();
  /** What the core is told of deployments that bring nothing. */
  readonly notices = new MemoryCoreMessages();
  readonly clock = new PassingClock();
  private readonly versions = new Map<string, [FunctionManifest, ...FunctionManifest[]]>();
  private seq = 1;
  private stored = 0;
  private readonly ports;

  constructor(private readonly world: EngineWorld) {
    const { definitions, requests, registry, notices, clock } = this;
    const { engine } = world;
    const backoff = () => new Promise<void>((next) => setImmediate(next));
    const log = new MemoryLog();
    this.ports = { definitions, requests, registry, engine, notices, clock, backoff, log };
    definitions.put(plant({ ...(world.options && { engine: world.options }) }));
    world.records.written.push({ group: 'plant', revision: 1, state: 'succeeded', at: '' });
  }

  /** Registers a version. */
  version(name: string, version: string): FunctionManifest {
    const manifest = this.world.version(name, version);
    const known = this.versions.get(name);
    this.versions.set(name, known ? [...known, manifest] : [manifest]);
    register(this.registry, ...(this.versions.get(name) ?? [manifest]));
    return manifest;
  }

  /** A device that is new here asks for a function. */
  async claim(device: string, manifest: FunctionManifest): Promise<void> {
    const { name, version } = manifest;
    this.seq += 1;
    await this.store({
      devices: { [device]: { certificateId: certificateOf(device), source: 'operator', seq: 1 } },
      claims: { [`${device}/${name}`]: { version, seq: this.seq } },
      functions: { [functionKey(name, version)]: manifest },
    });
  }

  async addDevice(device: string): Promise<void> {
    const entry = { certificateId: certificateOf(device), source: 'operator' as const, seq: 1 };
    await this.store({ devices: { [device]: entry } });
  }

  /** The operator deploys functions ahead of any request. */
  async preload(...manifests: FunctionManifest[]): Promise<void> {
    this.seq += 1;
    await this.store({
      statics: Object.fromEntries(manifests.map(({ name, version }) => [name, { version, seq: this.seq }])),
      functions: Object.fromEntries(
        manifests.map((each) => [functionKey(each.name, each.version), each] as const),
      ),
    });
  }

  perform(event: unknown = { group: 'plant' }): Promise<void> {
    return performDeployment(event, this.ports);
  }

  sweep(): Promise<void> {
    return this.perform({ source: 'aws.events' });
  }

  /** Until the latest revision has come to a good end. */
  async settle(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const deployment = await this.world.engine.status('plant', this.revision);
      if (deployment?.state === 'announced' || deployment?.state === 'succeeded') return;
      if (deployment?.state === 'failed') throw new Error(JSON.stringify(deployment));
      await this.world.succeed();
      await this.sweep();
    }
    throw new Error(`revision ${this.revision} comes to no end`);
  }

  /** This version does not run: seen by the engine, or else by the core while `running` runs on. */
  async failed(manifest: FunctionManifest, running?: string): Promise<void> {
    if (this.world.fail !== undefined) {
      await this.world.fail(manifest);
      await this.perform(this.world.event?.() ?? { source: 'aws.events' });
      return;
    }
    await this.world.succeed();
    const { name, version } = manifest;
    const error = { code: 'FUNCTION_INIT_FAILED' as const, message: 'thrown while loading' };
    const upTo = { claims: this.seq, static: this.seq };
    await this.coreUpdate({
      failures: [{ function: name, version, error, upTo, ...(running !== undefined && { running }) }],
    });
    await this.perform();
  }

  get latest(): GroupDefinition {
    return this.definitions.latest.get('plant')?.value ?? plant();
  }

  get revision(): number {
    return this.latest.revision;
  }

  /** What the edge runs once it has what it was told. */
  async delivered(): Promise<{ revision?: number; functions: string[] }> {
    const { revision, functions } = await this.world.told();
    if (functions !== undefined) return { ...(revision !== undefined && { revision }), functions };
    if (revision === undefined) return { functions: [] };
    const definition = await this.definitions.readRevision('plant', revision);
    return { revision, functions: definition ? wantedFunctions(definition).map(({ key }) => key) : [] };
  }

  private async store(registers: Partial<StoredUpdate>): Promise<void> {
    await this.requests.store(storedUpdate(`request-${this.stored++}`, registers));
  }

  private async coreUpdate(update: Partial<CoreUpdate>): Promise<void> {
    const requestId = `core-${this.stored++}`;
    const payload = Buffer.from(JSON.stringify({ requestId, group: 'plant', ...update })).toString('base64');
    const messages = new MemoryCoreMessages();
    const devices = new MemoryDeviceDirectory();
    await handleDeploymentRequest(
      { payload, core: CORE, principal: CORE_CERTIFICATE },
      { ...this.ports, messages, devices, hint: () => Promise.resolve() },
    );
    if (messages.sent[0]?.kind !== 'accepted') throw new Error(JSON.stringify(messages.sent));
  }
}
