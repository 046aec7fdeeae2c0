import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  GetDeploymentCommand,
  ListComponentsCommand,
  ListDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { CreateThingCommand } from '@aws-sdk/client-iot';
import { functionRecipe } from '../../../../handlers/engines/greengrass/functionRecipe';
import { startLocalCloud, type LocalCloud } from '../../../../local';
import { coreRecipe } from '../../../../operations/cores/greengrass/recipe';
import { removeComponents } from '../../../../operations/cores/greengrass/removal';
import type { ServiceOutputs } from '../../../../operations/outputs';
import { createOperator, type Operator } from '../../../../operations/operator';
import { coreComponentName, functionComponentName } from '../../../../protocol';
import { encodeRecipe, type Recipe } from '../../../../protocol/greengrass/recipe';
import { manifestOf } from '../../../handlers/fixtures';

const corePrefix = 'edge/shop-dev';
const functionsBucket = 'functions';
const DIGEST = 'a'.repeat(64);

let dir: string;
let cloud: LocalCloud;
let operator: Operator;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'component-removal-'));
  cloud = await startLocalCloud({ stateDir: path.join(dir, 'cloud') });
  operator = createOperator(cloud.environment());
});

afterAll(async () => {
  operator.close();
  await cloud.close();
  await rm(dir, { recursive: true, force: true });
});

const create = (recipe: Recipe) =>
  operator.clients.greengrass.send(new CreateComponentVersionCommand({ inlineRecipe: encodeRecipe(recipe) }));

const ofUser = (ComponentName: string, ComponentVersion: string): Recipe => ({
  ...{ RecipeFormatVersion: '2020-01-25', ComponentName, ComponentVersion },
  Manifests: [{ Lifecycle: { run: 'true' } }],
});

const artifacts = { amd64: DIGEST, aarch64: DIGEST };

const access = () => ({ operator, outputs: { corePrefix } as ServiceOutputs });

const ofFunction = (version: string): Recipe =>
  functionRecipe(
    { name: functionComponentName(corePrefix, 'detect'), manifest: manifestOf('detect', version) },
    { corePrefix, functionsBucket, host: DIGEST },
  );

it("deletes the service's components, and none that somebody else gave such a name", async () => {
  const core = coreComponentName(corePrefix);
  const [detect, mine] = ['detect', 'mine'].map((name) => functionComponentName(corePrefix, name));
  await create(coreRecipe('1.0.0', { corePrefix, functionsBucket, artifacts }));
  await create(ofFunction('1.0.0'));
  await create(ofFunction('1.1.0'));
  await create(ofUser(core, '9.0.0'));
  await create(ofUser(detect ?? '', '2.0.0'));
  await create(ofUser(mine ?? '', '1.0.0'));
  await create(ofUser('edge.shop-dev.other', '1.0.0'));

  const { removed, kept } = await removeComponents(access(), []);
  expect(removed.sort()).toEqual([`${core} 1.0.0`, `${detect} 1.0.0`, `${detect} 1.1.0`]);
  expect(kept.sort()).toEqual([`${core} 9.0.0`, `${detect} 2.0.0`, `${mine} 1.0.0`]);
  const { components = [] } = await operator.clients.greengrass.send(
    new ListComponentsCommand({ scope: 'PRIVATE' }),
  );
  expect(components.map(({ componentName }) => componentName).sort()).toEqual(
    [core, detect, mine, 'edge.shop-dev.other'].sort(),
  );
});

it('takes them out of the deployments of a core device that lives on, and nothing else', async () => {
  const core = coreComponentName(corePrefix);
  const detect = functionComponentName(corePrefix, 'detect');
  const { iot, greengrass } = operator.clients;
  const { thingArn: targetArn = '' } = await iot.send(new CreateThingCommand({ thingName: 'gateway-1' }));
  const { thingArn: bare = '' } = await iot.send(new CreateThingCommand({ thingName: 'gateway-2' }));
  await create(coreRecipe('1.0.0', { corePrefix, functionsBucket, artifacts }));
  await create(ofFunction('1.2.0'));
  await create(ofUser('com.example.mine', '1.0.0'));
  const version = (componentVersion: string) => ({ componentVersion });
  const theirs = { 'com.example.mine': version('1.0.0'), [core]: version('9.0.0') };
  await greengrass.send(
    new CreateDeploymentCommand({
      ...{ targetArn, deploymentName: 'all' },
      components: { ...theirs, [detect]: version('1.2.0') },
    }),
  );

  const gone = 'arn:aws:iot:eu-west-1:000000000000:thing/nobody';
  const targets = [targetArn, bare, gone].map((each) => ({ core: 'any', targetArn: each }));
  const { removed, problems } = await removeComponents(access(), targets);
  expect(removed.sort()).toEqual([`${core} 1.0.0`, `${detect} 1.2.0`]);
  expect(problems).toEqual([]);
  const latest = await deploymentsOf(targetArn);
  expect(latest).toMatchObject([{ deploymentName: `${corePrefix} removed` }]);
  const { components = {} } = await greengrass.send(
    new GetDeploymentCommand({ deploymentId: latest[0]?.deploymentId }),
  );
  expect(Object.keys(components).sort()).toEqual(['com.example.mine', core]);
  expect(await deploymentsOf(bare)).toEqual([]);
});

async function deploymentsOf(targetArn: string) {
  const { deployments = [] } = await operator.clients.greengrass.send(
    new ListDeploymentsCommand({ targetArn, historyFilter: 'LATEST_ONLY' }),
  );
  return deployments;
}
