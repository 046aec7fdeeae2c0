import { EventEmitter } from 'node:events';
import type { Cloud, Upstream } from '../../../edge/ports';
import { rollbackRegisters } from '../../../handlers/definitions/rollbackUpdate';
import {
  EdgeError,
  emptyDefinition,
  functionKey,
  functionManifestSchema,
  highestMatching,
  matchesAnyDevicePattern,
  nextDefinition,
  type CloudInvokeRequest,
  type CoreStatus,
  type CoreUpdate,
  type FunctionManifest,
  type GroupDefinition,
  type StoredUpdate,
  type ValidateRequest,
} from '../../../protocol';

export const GROUP = 'plant';
export const CORE = 'core-1';

export function certificateIdOf(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64);
}

export function manifestOf(name: string, version: string, more: object = {}): FunctionManifest {
  const digest = certificateIdOf(`${name}@${version}`);
  const base = { name, version, handler: 'index.handler', digest, size: 10, unpackedSize: 20 };
  return functionManifestSchema.parse({ ...base, ...more });
}

/**
 * The cloud in memory: the same merge as the real one, behind the same ports. A test takes single
 * parts out of service.
 */
export class MemoryCloud {
  definition: GroupDefinition = {
    ...emptyDefinition(GROUP),
    revision: 1,
    core: { thingName: CORE, certificateId: certificateIdOf(CORE), seq: 1 },
  };
  readonly registry: FunctionManifest[] = [];
  readonly directory = new Map<string, string>();
  readonly validations: (ValidateRequest & { function: string })[] = [];
  readonly definitionRequests: (string | undefined)[] = [];
  readonly updates: CoreUpdate[] = [];
  readonly statuses: CoreStatus[] = [];
  readonly invocations: { function: string; request: CloudInvokeRequest; timeoutMs: number }[] = [];
  /** HTTP is down. */
  unreachable = false;
  /** MQTT is up. */
  connected = true;
  /** What becomes of an update: absorbed at once unless a test says otherwise. */
  onUpdate: (update: CoreUpdate) => void = (update) => {
    this.accept(update.requestId);
    this.absorb(update);
  };
  /** The core does not want to pause before it connects again. */
  onHurry: () => void = () => undefined;
  onValidate: (() => Promise<void>) | undefined;
  onInvoke: (request: CloudInvokeRequest) => Promise<unknown> = async (request) => ({ cloud: request.input });
  private readonly events = new EventEmitter();

  addDevices(...names: string[]): void {
    const added = names.map((name) => [
      name,
      { certificateId: certificateIdOf(name), source: 'operator' as const, seq: 1 },
    ]);
    this.definition = {
      ...this.definition,
      devices: { ...this.definition.devices, ...(Object.fromEntries(added) as GroupDefinition['devices']) },
    };
  }

  register(manifest: FunctionManifest): FunctionManifest {
    this.registry.push(manifest);
    return manifest;
  }

  /** An operator's change: a higher revision, with its notice. */
  change(change: Partial<GroupDefinition>): void {
    this.definition = { ...this.definition, ...change, revision: this.definition.revision + 1 };
    this.notify();
  }

  accept(requestId: string): void {
    this.events.emit('accepted', { requestId });
  }

  refuse(requestId: string, error: EdgeError): void {
    this.events.emit('refused', { requestId, error: error.toJSON() });
  }

  absorb(update: CoreUpdate): void {
    const next = nextDefinition(this.definition, [this.stored(update)]);
    if (next === this.definition) return;
    this.definition = next;
    this.notify();
  }

  notify(): void {
    if (this.connected) {
      this.events.emit('revision', { group: GROUP, revision: this.definition.revision });
    }
  }

  /** The deployment of a revision brings nothing to the core. */
  undelivered(error: EdgeError, revision = this.definition.revision): void {
    this.events.emit('revision', { group: GROUP, revision, error: error.toJSON() });
  }

  connect(): void {
    this.connected = true;
    this.events.emit('connected');
  }

  /** The core at the other end is gone. */
  disconnectListeners(): void {
    this.events.removeAllListeners();
  }

  get upstream(): Upstream {
    const isConnected = () => this.connected;
    return {
      get connected() {
        return isConnected();
      },
      sendUpdate: async (update) => {
        if (!this.connected) throw new EdgeError('CLOUD_UNREACHABLE');
        this.updates.push(update);
        this.onUpdate(update);
      },
      sendStatus: async (status) => void this.statuses.push(status),
      hurry: () => this.onHurry(),
      on: (event: string, listener: (message: never) => void) =>
        void this.events.on(event, listener as (message: unknown) => void),
      close: async () => undefined,
    };
  }

  get http(): Cloud {
    return {
      validate: async (functionName, request) => {
        this.validations.push({ ...request, function: functionName });
        await this.onValidate?.();
        this.requireReachable();
        return this.validate(functionName, request);
      },
      definition: async (etag) => {
        this.definitionRequests.push(etag);
        this.requireReachable();
        const current = `"${this.definition.revision}"`;
        return etag === current ? 'unchanged' : { definition: this.definition, etag: current };
      },
      locate: async (digest) => {
        this.requireReachable();
        return { url: `memory:${digest}`, digest, size: 10, expiresAt: '' };
      },
      download: async () => {
        this.requireReachable();
        return Buffer.alloc(10);
      },
      device: async (certificateId) => {
        this.requireReachable();
        const thingName = this.directory.get(certificateId);
        if (thingName === undefined) throw new EdgeError('UNKNOWN_DEVICE');
        return { thingName, certificateId };
      },
      invoke: async (functionName, request, timeoutMs) => {
        this.invocations.push({ function: functionName, request, timeoutMs });
        this.requireReachable();
        return { version: '1.0.0', output: await this.onInvoke(request), durationMs: 1 };
      },
    };
  }

  private validate(name: string, { device, version }: ValidateRequest) {
    const versions = this.registry.filter((manifest) => manifest.name === name);
    if (versions.length === 0) throw new EdgeError('FUNCTION_NOT_FOUND');
    const chosen = highestMatching(
      versions.map((manifest) => manifest.version),
      version,
    );
    const manifest = versions.find((candidate) => candidate.version === chosen);
    if (manifest === undefined) throw new EdgeError('VERSION_NOT_FOUND');
    const devices = this.definition.entitlements[name]?.devices ?? manifest.devices;
    if (!matchesAnyDevicePattern(devices, device)) throw new EdgeError('NOT_ENTITLED');
    const { digest, size } = manifest;
    const location = { url: `memory:${digest}`, digest, size, expiresAt: '' };
    return { manifest, devices, package: location, topics: { call: `call/${name}` } };
  }

  private stored({ requestId, claims, joins, failures = [] }: CoreUpdate): StoredUpdate {
    const devices = joins.map(({ device, certificateId, seq }) => [
      device,
      { certificateId, source: 'core' as const, seq },
    ]);
    const entries = claims.map(({ device, function: name, ...entry }) => [`${device}/${name}`, entry]);
    const manifests = this.registry.map((manifest) => [
      functionKey(manifest.name, manifest.version),
      manifest,
    ]);
    const rolledBack = rollbackRegisters(
      this.definition,
      failures.map(({ running, ...failure }) => {
        const fallback = this.registry.find(
          ({ name, version }) => name === failure.function && version === running,
        );
        return { ...failure, ...(fallback && { fallback }) };
      }),
    );
    return {
      requestId,
      group: GROUP,
      origin: { kind: 'core', name: CORE },
      receivedAt: '2026-01-02T03:04:05.000Z',
      devices: Object.fromEntries(devices) as StoredUpdate['devices'],
      statics: {},
      entitlements: {},
      claims: Object.fromEntries(entries) as StoredUpdate['claims'],
      functions: Object.fromEntries(manifests) as StoredUpdate['functions'],
      ...(failures.length > 0 && { rollbacks: rolledBack.rollbacks }),
    };
  }

  private requireReachable(): void {
    if (this.unreachable) throw new EdgeError('CLOUD_UNREACHABLE');
  }
}
