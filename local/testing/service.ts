import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EdgeError, type FunctionConfig } from '../../protocol';
import { startEnvironment, type Environment, type EnvironmentOptions } from '../dev/environment';
import type { Edge, EdgeOptions } from '../dev/edge';
import { quietSdk } from '../quietSdk';
import { DeviceProcess } from './device';
import { functionPackage } from './functionPackage';
import type { DeviceOptions, LocalService, LocalServiceOptions } from './types';
import { WiredUplink } from './uplink';

/** With all that the tests of this project look at beside what is published. */
export interface ServiceUnderTest extends LocalService, Omit<Environment, 'startEdge' | 'addDevice'> {
  readonly uplink: WiredUplink;
  addDevice: Environment['addDevice'];
  startEdge(group?: string, options?: EdgeOptions): Promise<Edge>;
  connectDevice(thingName: string): Promise<DeviceProcess>;
  registerFunction(
    name: string,
    source: string | Record<string, string>,
    settings?: Partial<FunctionConfig>,
  ): Promise<{ version: string }>;
}

/**
 * `startLocalService` of types.ts. Throws as `startEnvironment`, and NOT_FOUND when the service or its
 * package is not there.
 */
export async function startLocalService(
  options: LocalServiceOptions & Partial<EnvironmentOptions> = {},
): Promise<ServiceUnderTest> {
  quietSdk();
  const serviceDir = resolve(options.serviceDir ?? '.');
  const temporary = await mkdtemp(join(tmpdir(), 'edge-local-'));
  const uplink = await WiredUplink.open();
  const release = async (): Promise<void> => {
    await uplink.close();
    await rm(temporary, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const environment = await startEnvironment({
      stateDir: temporary,
      ...options,
      serviceDir,
      transform: (template) => {
        options.transform?.(template);
        uplink.transform(template);
      },
    });
    uplink.connect(environment);
    return underTest(environment, serviceDir, uplink, release);
  } catch (error) {
    await release();
    throw error;
  }
}

function underTest(
  environment: Environment,
  serviceDir: string,
  uplink: WiredUplink,
  release: () => Promise<void>,
): ServiceUnderTest {
  const devices: DeviceProcess[] = [];
  const startEdge = environment.startEdge.bind(environment);
  const closeEnvironment = environment.close.bind(environment);
  let closed: Promise<void> | undefined;
  return Object.assign(environment, {
    uplink,
    variables: environment.cloud.environment(),
    async startEdge(group = onlyGroup(environment), options: EdgeOptions = {}) {
      const edges = { wired: false };
      const upstream: EdgeOptions['upstream'] = (direct) => {
        edges.wired = true;
        const rerouted = uplink.upstream(direct);
        return options.upstream?.(rerouted) ?? rerouted;
      };
      const edge = await startEdge(group, { ...options, upstream });
      if (!edges.wired) uplink.bypassedBy = group;
      return edge;
    },
    async connectDevice(thingName: string) {
      const device = new DeviceProcess(serviceDir);
      devices.push(device);
      await device.connect(await deviceOptions(environment, thingName));
      return device;
    },
    deviceOptions: (thingName: string) => deviceOptions(environment, thingName),
    async registerFunction(
      name: string,
      source: string | Record<string, string>,
      settings: Partial<FunctionConfig> = {},
    ) {
      const files = typeof source === 'string' ? { 'index.js': source } : source;
      const bytes = await functionPackage(files, { name, handler: 'index.handler', ...settings });
      const [registered] = await environment.registerPackages([{ name, bytes }]);
      if (registered === undefined) throw new EdgeError('INTERNAL', `nothing was registered as ${name}`);
      return { version: registered.version };
    },
    close: () =>
      (closed ??= (async () => {
        // Nothing waits for an answer that a fault holds back.
        uplink.mend();
        await Promise.all(devices.map((device) => device.close()));
        await closeEnvironment();
        await release();
      })()),
  });
}

function onlyGroup({ groups }: Environment): string {
  const [group, ...others] = Object.keys(groups);
  if (group !== undefined && others.length === 0) return group;
  throw new EdgeError('BAD_REQUEST', 'startEdge: which group?', {
    expected: `one of ${Object.keys(groups).join(', ')}`,
  });
}

async function deviceOptions(environment: Environment, thingName: string): Promise<DeviceOptions> {
  const { certificate, privateKey, ca } = await environment.deviceCredentials(thingName);
  return {
    ...{ thingName, certificate, privateKey, ca },
    discovery: { url: environment.cloud.endpoints.iotTls },
    prefix: environment.outputs.devicePrefix,
  };
}
