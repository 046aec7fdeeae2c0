import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readFile } from 'node:fs/promises';
import { readPackage } from '../../../../protocol/functionPackage';
import { functionFingerprint } from '../../../../protocol/greengrassV1';
import { root } from '../../../support/packaged';
import { MemoryCloud } from '../../support/memoryCloud';
import { deployable } from './standInCore';

/** The Node of a V1 core, where one is at hand: these very bundles were seen to run on 12.22. */
const NODE = process.env['EDGE_TEST_NODE12'] ?? process.execPath;
const MODULES = join(__dirname, 'coreModules');
const detect = deployable('detect', '1.0.0');

interface Posted {
  arn: string;
  type: string;
  subject?: string;
  payload: Record<string, unknown>;
}

let dir: string;
let server: Server;
let url: string;
let requests: IncomingMessage[];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'v1-bundles-'));
  for (const name of ['aws-greengrass-common-js', 'aws-greengrass-ipc-sdk-js']) {
    await mkdir(join(dir, 'node_modules', name), { recursive: true });
    await copyFile(join(MODULES, `${name}.cjs`), join(dir, 'node_modules', name, 'index.js'));
  }
  for (const name of ['edgeCoreMonitor', 'handleDeviceRequest', 'edgeRemoteExecution']) {
    await mkdir(join(dir, name));
    const zip = await readFile(join(root, 'dist', 'edge', 'greengrass', `${name}.zip`));
    for (const { path, content } of await readPackage(zip)) await writeFile(join(dir, name, path), content);
    await copyFile(join(MODULES, 'run.cjs'), join(dir, name, 'run.cjs'));
  }
  const cloud = new MemoryCloud();
  cloud.addDevices('camera-1');
  cloud.change({
    statics: { detect: { version: '1.0.0', seq: 1 } },
    functions: { 'detect@1.0.0': detect },
  });
  server = createServer((request, response) => {
    requests.push(request);
    response.setHeader('etag', '"2"');
    const credentials = {
      AccessKeyId: 'AKIA',
      SecretAccessKey: 'secret',
      Token: 'session',
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    };
    const isExchange = request.url === '/credentials';
    response.end(JSON.stringify(isExchange ? credentials : { definition: cloud.definition }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => (requests = []));
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

/** Runs until `enough`; what the function handed to the core, in order. */
async function run(
  name: string,
  subject: string,
  payload: string,
  enough: (posted: Posted[], done: boolean) => boolean,
): Promise<Posted[]> {
  const child = spawn(NODE, ['run.cjs', subject, payload], {
    cwd: join(dir, name),
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      EDGE_GROUP: 'plant',
      EDGE_CORE: 'core-1',
      EDGE_DEVICE_PREFIX: 'edge',
      EDGE_CORE_PREFIX: 'edge/shop-dev',
      EDGE_HTTP_URL: url,
      EDGE_STATE_DIR: dir,
      EDGE_DEPLOYED: functionFingerprint('detect@1.0.0'),
      EDGE_CORE_MONITOR_ARN: 'arn:aws:lambda:eu-central-1:000000000000:function:monitor:1',
      AWS_REGION: 'eu-central-1',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url.replace('127.0.0.1', 'localhost')}/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'exchange-token',
    },
  });
  const posted: Posted[] = [];
  let [done, said] = [false, ''];
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  createInterface(child.stdout).on('line', (line) => {
    said += `${line}\n`;
    if (line.startsWith('POSTED ')) posted.push(JSON.parse(line.slice(7)) as Posted);
    if (line.startsWith('DONE')) done = true;
    if (enough(posted, done)) child.stdin.end();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${said}`);
  return posted;
}

test('edgeCoreMonitor starts with the core, fetches the definition with the role of the group, and is ready', async () => {
  const isReady = ({ subject, payload }: Posted) => subject === 'edge/status' && payload.state === 'ready';
  const ask = { device: 'camera-1', ask: 'join', message: { requestId: 'j1' } };
  const isJoined = ({ subject }: Posted) => subject === 'edge/camera-1/reply/joined';
  const posted = await run('edgeCoreMonitor', '-', JSON.stringify(ask), (all) =>
    [isReady, isJoined].every((check) => all.some(check)),
  );
  expect(posted.find(isReady)?.payload).toMatchObject({ revision: 2, edge: 'core-1' });
  expect(requests.map((request) => request.url)).toEqual(
    expect.arrayContaining(['/credentials', expect.stringMatching(/\/groups\/plant/)]),
  );
  const byPath = (path: string) => requests.find((request) => request.url?.startsWith(path))?.headers;
  expect(byPath('/credentials')).toMatchObject({ authorization: 'exchange-token' });
  expect(byPath('/groups')).toMatchObject({
    authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AKIA\//) as string,
    'x-amz-security-token': 'session',
  });
});

test('handleDeviceRequest hands over to edgeCoreMonitor', async () => {
  const payload = JSON.stringify({ requestId: 'r1', function: 'detect' });
  const posted = await run('handleDeviceRequest', 'edge/camera-1/ask/request', payload, (_, done) => done);
  expect(posted).toEqual([
    {
      arn: 'arn:aws:lambda:eu-central-1:000000000000:function:monitor:1',
      type: 'Event',
      payload: {
        device: 'camera-1',
        ask: 'request',
        message: { requestId: 'r1', function: 'detect' },
      },
    },
  ]);
});

test('edgeRemoteExecution runs a function with the definition that edgeCoreMonitor keeps', async () => {
  const definition = { etag: '"2"', definition: (await definitionOf()).definition };
  await writeFile(join(dir, 'definition.json'), JSON.stringify(definition));
  const payload = JSON.stringify({ requestId: 'i1', function: 'detect', input: 7 });
  const posted = await run('edgeRemoteExecution', 'edge/camera-1/ask/invoke', payload, (_, done) => done);
  const { functionArn, qualifier } = detect.cloud ?? {};
  expect(posted).toMatchObject([
    { arn: `${functionArn}:${qualifier}`, type: 'RequestResponse', payload: 7 },
    { subject: 'edge/camera-1/reply/result', payload: { requestId: 'i1', output: { answer: 42 } } },
  ]);
});

async function definitionOf(): Promise<{ definition: object }> {
  const response = await fetch(`${url}/groups/plant/definition`);
  return (await response.json()) as { definition: object };
}
