import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { startLocalCloud, type LocalCloud } from '../../../local';
import { startGreengrassEdge } from '../../../local/dev/greengrassEdge';
import { encodeRecipe } from '../../../protocol/greengrass/recipe';
import { CORE, isAlive, provisionCore } from '../nucleus/core';

/** A stand-in for the core component: all that starting an edge looks at is the line with its port. */
const LISTENING = `echo '{"event":"listening","port":4711}'; echo "{\\"event\\":\\"pid\\",\\"pid\\":$$}"; exec sleep 1000`;

let dir: string;
let cloud: LocalCloud;
let client: GreengrassV2Client;
beforeEach(async () => {
  // A long way down, where no socket could be.
  dir = join(await mkdtemp(join(tmpdir(), 'gg-')), 'below'.repeat(20));
  cloud = await startLocalCloud({ stateDir: join(dir, 'cloud') });
  const variables = cloud.environment();
  client = new GreengrassV2Client({
    region: cloud.region,
    endpoint: cloud.endpoints.greengrass,
    credentials: {
      accessKeyId: variables['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  });
});
afterEach(async () => {
  client.destroy();
  await cloud.close();
  await rm(join(dir, '..'), { recursive: true, force: true });
});

async function deployCore(run: string): Promise<void> {
  const inlineRecipe = encodeRecipe({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'edge.core',
    ComponentVersion: '1.0.0',
    Manifests: [{ Lifecycle: { run } }],
  });
  await client.send(new CreateComponentVersionCommand({ inlineRecipe }));
  const targetArn = `arn:aws:iot:${cloud.region}:${cloud.account}:thing/${CORE}`;
  const components = { 'edge.core': { componentVersion: '1.0.0' } };
  await client.send(new CreateDeploymentCommand({ targetArn, components }));
}

const place = async () => ({
  cloud,
  outputs: { roleAlias: 'TokenExchangeAlias' } as never,
  group: 'workshop',
  core: await provisionCore(cloud, dir),
  stateDir: dir,
});

test('an edge is a nucleus with the core component on it, and ends with both', async () => {
  const lines: string[] = [];
  const edge = await startGreengrassEdge(await place(), () => deployCore(LISTENING), {
    onLine: (line) => lines.push(line),
  });
  expect(edge).toMatchObject({ group: 'workshop', core: CORE, host: '127.0.0.1', port: 4711 });
  const { pid } = await edge.process.waitFor('pid');
  expect(lines).toContain('{"event":"listening","port":4711}');
  expect(isAlive(Number(pid))).toBe(true);
  expect((await edge.stop()).code).toBe(0);
  expect(isAlive(Number(pid))).toBe(false);
});

test('what keeps the core component away ends the nucleus', async () => {
  const refused = startGreengrassEdge(await place(), () => Promise.reject(new Error('no such bundle')));
  await expect(refused).rejects.toThrow('no such bundle');
});
