import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionPackage } from '../../../local';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../../support/environment';

const NAME = 'remember';
const SOURCE = (text: string): string =>
  `exports.handler = async (event, context) => ({ said: '${text}', heard: event, by: context.functionName });`;

let stateDir: string;
let environment: TestEnvironment;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'edge-restart-'));
  environment = await startTestEnvironment({ stateDir });
});

afterAll(async () => {
  await environment?.close();
  await rm(stateDir, { recursive: true, force: true });
});

const packageOf = (text: string): Promise<Buffer> =>
  functionPackage(
    { 'index.js': SOURCE(text) },
    { name: NAME, handler: 'index.handler', locations: ['edge', 'cloud'] },
  );

const upload = (bytes: Buffer) => environment.registerPackages([{ name: NAME, bytes }]);

/** The whole way: device, edge core, HTTP API, cloudRemoteExecution, Lambda. */
async function callInCloud(): Promise<unknown> {
  await environment.startEdge(GROUP);
  const device = await environment.connectDevice('sensor-1');
  return device.invoke(NAME, { n: 1 }, { location: 'cloud' });
}

it('invokes in the cloud what was uploaded before the cloud was restarted', async () => {
  const first = await packageOf('first');
  await upload(first);
  await upload(await packageOf('second'));
  const { stateBucket } = environment.outputs;
  const before = await environment.operator.functionIndex(stateBucket, NAME);
  expect(before?.versions[before.latest]?.manifest.cloud).toMatchObject({ qualifier: '2' });
  await environment.close();

  environment = await startTestEnvironment({ stateDir });
  const by = expect.stringMatching(new RegExp(`${NAME}$`));
  await expect(callInCloud()).resolves.toEqual({ said: 'second', heard: { n: 1 }, by });
  // The same content again is the same version, and its alias is still there to be moved.
  await upload(first);
  const after = await environment.operator.functionIndex(stateBucket, NAME);
  expect(after?.versions).toEqual(before?.versions);
  expect(after?.latest).toBe('1.0.0');
});
