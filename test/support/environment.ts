import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { startEnvironment, type Environment, type EnvironmentOptions } from '../../local';
import type { FunctionConfig } from '../../protocol';
import { TestDevice } from './device';

export interface TestEnvironment extends Environment {
  /** A device in a process of its own that has found its edge and joined. Closed with the environment. */
  connectDevice(thingName: string): Promise<TestDevice>;
  /** Registers a function from its source; the rest of edge.json as wanted. */
  registerFunction(name: string, source: string, config?: Partial<FunctionConfig>): Promise<void>;
}

export const GROUP = 'workshop';

/** The packaged template on a local cloud of its own, in a temporary folder that goes with it. */
export async function startTestEnvironment(
  options: Partial<EnvironmentOptions> = {},
): Promise<TestEnvironment> {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'edge-test-'));
  const environment = await startEnvironment({
    serviceDir: required('EDGE_TEST_SERVICE'),
    packageDir: required('EDGE_TEST_PACKAGE'),
    stage: 'dev',
    stateDir,
    ...options,
  });
  const devices: TestDevice[] = [];
  const closeEnvironment = environment.close.bind(environment);
  return Object.assign(environment, {
    async connectDevice(thingName: string) {
      const device = new TestDevice();
      devices.push(device);
      await device.connect(await connectOptions(environment, thingName));
      return device;
    },
    async registerFunction(name: string, source: string, config: Partial<FunctionConfig> = {}) {
      const bytes = await functionPackage(
        { 'index.js': source },
        { name, handler: 'index.handler', ...config },
      );
      await environment.registerPackages([{ name, bytes }]);
    },
    async close() {
      await Promise.all(devices.map((device) => device.close()));
      await closeEnvironment();
      await rm(stateDir, { recursive: true, force: true });
    },
  });
}

async function connectOptions(environment: Environment, thingName: string): Promise<Record<string, unknown>> {
  const { certificate, privateKey, ca } = await environment.deviceCredentials(thingName);
  return { thingName, certificate, privateKey, ca, discovery: { url: environment.cloud.endpoints.iotTls } };
}

const FIXED_DATE = new Date(2020, 0, 1);

/** A zip of text files, with edge.json unless `config` is left out. The same input gives the same bytes. */
export async function functionPackage(files: Record<string, string>, config?: object): Promise<Buffer> {
  const zip = new ZipFile();
  const add = (name: string, text: string) => zip.addBuffer(Buffer.from(text), name, { mtime: FIXED_DATE });
  if (config !== undefined) add('edge.json', JSON.stringify(config));
  for (const [name, text] of Object.entries(files)) add(name, text);
  zip.end();
  return buffer(zip.outputStream);
}

function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: run through jest's global set-up`);
  return value;
}
