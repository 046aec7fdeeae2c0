import { spawnSync } from 'node:child_process';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  GetComponentCommand,
  GetDeploymentCommand,
  type CreateDeploymentCommandInput,
} from '@aws-sdk/client-greengrassv2';
import { CreateThingGroupCommand, GetPolicyCommand } from '@aws-sdk/client-iot';
import { startLocalCloud, type LocalCloud } from '../../../../local';
import { coreComponentConfiguration } from '../../../../operations/cores/greengrass/configuration';
import {
  ensureClientDevicePolicy,
  ensureGreengrassPolicy,
} from '../../../../operations/cores/greengrass/corePolicy';
import {
  deployCoreComponent,
  type CoreComponentOptions,
} from '../../../../operations/cores/greengrass/coreComponent';
import { readSdkFiles } from '../../../../operations/cores/greengrass/sdkFiles';
import { createOperator, type Operator } from '../../../../operations/operator';
import type { ServiceOutputs } from '../../../../operations/outputs';
import { emptyDefinition } from '../../../../protocol';
import { encodeRecipe, parseRecipe, type Recipe } from '../../../../protocol/greengrass/recipe';
import { until } from '../../../support/until';
import { root } from '../../../support/root';

const CORE = 'shop-dev-floor-core';
const COMPONENT = 'edge.shop-dev.core';
const NUCLEUS = 'aws.greengrass.Nucleus';

let dir: string;
let cloud: LocalCloud;
let operator: Operator;
let bundles: string;

const outputs: ServiceOutputs = {
  functionsBucket: 'functions',
  stateBucket: 'state',
  httpApiUrl: 'https://api.example',
  corePolicy: 'shop-dev-edge-core',
  devicePolicy: 'shop-dev-edge-device',
  roleAlias: 'shop-dev-edge-core',
  corePrefix: 'edge/shop-dev',
  devicePrefix: 'edge',
};

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'core-component-'));
  cloud = await startLocalCloud({ stateDir: path.join(dir, 'cloud') });
  operator = createOperator(cloud.environment());
  await cloud.services.s3.createBucket(outputs.functionsBucket);
  bundles = path.join(dir, 'edge');
  await mkdir(path.join(bundles, 'greengrassV2'), { recursive: true });
  await writeBundles('// core');
});

afterAll(async () => {
  operator.close();
  await cloud.close();
  await rm(dir, { recursive: true, force: true });
});

async function writeBundles(core: string): Promise<void> {
  await writeFile(path.join(bundles, 'greengrassV2/core.cjs'), core);
  await writeFile(path.join(bundles, 'functionProcess.cjs'), '// process');
  await writeFile(path.join(bundles, 'componentHost.cjs'), '// host');
}

let things = 0;

/** A core of its own for a test: deployments have a history. */
async function newCore(): Promise<{ core: string; targetArn: string }> {
  const core = `${CORE}-${(things += 1)}`;
  cloud.services.iotCore.registry.things.create(core);
  return { core, targetArn: `arn:aws:iot:${cloud.region}:${cloud.account}:thing/${core}` };
}

function deploy(core: string, more: Partial<CoreComponentOptions> = {}) {
  return deployCoreComponent(
    { operator, outputs },
    {
      definition: { ...emptyDefinition('floor'), revision: 3 },
      ...{ core, region: 'eu-west-1', bundles, sdkFrom: root },
      listen: { port: 8883, certificate: '/etc/edge/server.pem', privateKey: '/etc/edge/server.key' },
      ...more,
    },
  );
}

async function deployed(deploymentId: string) {
  const { components = {}, ...rest } = await operator.clients.greengrass.send(
    new GetDeploymentCommand({ deploymentId }),
  );
  const mergeOf = (name: string) =>
    JSON.parse(components[name]?.configurationUpdate?.merge ?? '{}') as Record<string, unknown>;
  return { components, core: mergeOf(COMPONENT), nucleus: mergeOf(NUCLEUS), ...rest };
}

async function recipeOf(version: string): Promise<Recipe> {
  const arn = `arn:aws:greengrass:${cloud.region}:${cloud.account}:components:${COMPONENT}:versions:${version}`;
  const { recipe } = await operator.clients.greengrass.send(
    new GetComponentCommand({ arn, recipeOutputFormat: 'JSON' }),
  );
  return parseRecipe(recipe ?? '');
}

async function userComponent(name: string): Promise<void> {
  const recipe: Recipe = {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: name,
    ComponentVersion: '1.0.0',
    Manifests: [{ Lifecycle: { run: 'true' } }],
  };
  await operator.clients.greengrass.send(
    new CreateComponentVersionCommand({ inlineRecipe: encodeRecipe(recipe) }),
  );
}

const create = (input: CreateDeploymentCommandInput) =>
  operator.clients.greengrass.send(new CreateDeploymentCommand(input));

it('deploys the core with exactly the rights and the settings that it has there', async () => {
  const { core, targetArn } = await newCore();
  const { deploymentId, version, isNew } = await deploy(core);
  expect(isNew).toBe(true);
  const { core: configuration, nucleus, components, ...rest } = await deployed(deploymentId);
  expect(rest).toMatchObject({
    targetArn,
    deploymentName: 'edge/shop-dev floor revision 3',
    deploymentPolicies: {
      failureHandlingPolicy: 'ROLLBACK',
      componentUpdatePolicy: { action: 'SKIP_NOTIFY_COMPONENTS' },
    },
  });
  expect(nucleus).toEqual({ deploymentPollingFrequencySeconds: 1 });
  expect(components[COMPONENT]?.componentVersion).toBe(version);
  expect(configuration).toMatchObject({
    ...{ group: 'floor', corePrefix: 'edge/shop-dev', delivery: 'hot', revision: 3 },
    host: expect.stringMatching(/^[0-9a-f]{64}$/),
    accessControl: {
      'aws.greengrass.ipc.mqttproxy': {
        [`${COMPONENT}:mqttproxy:1`]: {
          operations: ['aws.greengrass#PublishToIoTCore'],
          resources: ['update', 'status', 'log'].map((kind) => `edge/shop-dev/core/${core}/${kind}`),
        },
        [`${COMPONENT}:mqttproxy:2`]: {
          operations: ['aws.greengrass#SubscribeToIoTCore'],
          resources: ['revision', 'accepted', 'refused'].map((kind) => `edge/shop-dev/core/${core}/${kind}`),
        },
      },
    },
  });
  expect(Object.keys(configuration['accessControl'] as object)).toEqual(['aws.greengrass.ipc.mqttproxy']);
  expect(components[COMPONENT]?.configurationUpdate?.reset).toEqual(['']);
  expect(JSON.stringify(configuration)).not.toContain('PRIVATE KEY');
});

it('has the rights to the topics of devices where they come over publish/subscribe', async () => {
  const { core } = await newCore();
  const { core: configuration } = await deployed((await deploy(core, { devices: 'pubsub' })).deploymentId);
  expect(configuration).toMatchObject({ devices: 'pubsub' });
  expect(configuration['accessControl']).toMatchObject({
    'aws.greengrass.ipc.pubsub': {
      [`${COMPONENT}:pubsub:1`]: {
        operations: ['aws.greengrass#SubscribeToTopic'],
        resources: ['edge/+/ask/+', 'edge/+/call/+'],
      },
      [`${COMPONENT}:pubsub:2`]: {
        operations: ['aws.greengrass#PublishToTopic'],
        resources: ['edge/*/reply/*', 'edge/status', 'edge/shared/*'],
      },
    },
  });
});

it('says that its own broker has to listen somewhere', () => {
  const input = {
    group: 'floor',
    corePrefix: 'edge/shop-dev',
    region: 'eu-west-1',
    httpUrl: 'https://a.example',
  };
  expect(() => coreComponentConfiguration('core-1', input)).toThrow(
    expect.objectContaining({ code: 'BAD_REQUEST', field: 'listen' }),
  );
});

it('keeps the strict recipe format, and names no revision in a script', async () => {
  const { core } = await newCore();
  const recipe = await recipeOf((await deploy(core)).version);
  expect(recipe.Manifests.map(({ Platform }) => Platform)).toEqual([
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'aarch64' },
  ]);
  for (const { Lifecycle, Artifacts } of recipe.Manifests) {
    expect(JSON.stringify(Lifecycle)).toContain('{configuration:/settings}');
    expect(JSON.stringify(Lifecycle)).not.toContain('revision');
    expect(Artifacts).toHaveLength(1);
    expect(Artifacts?.[0]?.Uri).toMatch(/^s3:\/\/functions\/core\/[0-9a-f]{64}\.zip$/);
  }
  expect(recipe.ComponentDependencies).toMatchObject({
    'aws.greengrass.TokenExchangeService': { VersionRequirement: '~2.0.3', DependencyType: 'HARD' },
  });
});

it('makes a version and a deployment only when something is new', async () => {
  const { core } = await newCore();
  const first = await deploy(core);
  expect(await deploy(core)).toEqual({ ...first, isNew: false });
  const other = await deploy(core, { settings: { heartbeat: 30 } });
  expect(other).toMatchObject({ version: first.version, isNew: true });
  const settings = async ({ deploymentId }: { deploymentId: string }) =>
    (await deployed(deploymentId)).core['settings'];
  expect(await settings(other)).not.toBe(await settings(first));
  await writeBundles('// another core');
  const next = await deploy(core, { settings: { heartbeat: 30 } });
  expect(next.version).not.toBe(first.version);
  await writeBundles('// core');
  const back = await deploy(core, { settings: { heartbeat: 30 } });
  expect([first.version, next.version]).not.toContain(back.version);
});

it('settings stay the same from revision to revision', async () => {
  const { core } = await newCore();
  const settings = async (revision: number) => {
    const definition = { ...emptyDefinition('floor'), revision };
    return (await deployed((await deploy(core, { definition })).deploymentId)).core;
  };
  const [before, after] = [await settings(1), await settings(2)];
  expect(after).toEqual({ ...before, revision: 2 });
  expect((await settings(1))['revision']).toBe(2);
});

it('leaves everything else of the target as it is', async () => {
  const { core, targetArn } = await newCore();
  await userComponent('com.example.camera');
  const theirs = {
    'com.example.camera': { componentVersion: '1.0.0', configurationUpdate: { merge: '{"fps":5}' } },
    [NUCLEUS]: { componentVersion: '2.15.0', configurationUpdate: { merge: '{"logging":{"level":"WARN"}}' } },
  };
  await create({ targetArn, components: theirs });
  const { components, nucleus } = await deployed((await deploy(core)).deploymentId);
  expect(components['com.example.camera']).toEqual(theirs['com.example.camera']);
  expect(components[NUCLEUS]?.componentVersion).toBe('2.15.0');
  expect(nucleus).toEqual({ logging: { level: 'WARN' }, deploymentPollingFrequencySeconds: 1 });
});

it('does not take a core from another group, and names both', async () => {
  const { core } = await newCore();
  const { deploymentId } = await deploy(core);
  await expect(deploy(core, { definition: emptyDefinition('yard') })).rejects.toMatchObject({
    code: 'CONFLICT',
    details: { groups: ['floor', 'yard'] },
  });
  expect((await deployed(deploymentId)).core).toMatchObject({ group: 'floor' });
  expect(await deploy(core)).toMatchObject({ deploymentId, isNew: false });
});

it('takes in what somebody else deploys at the same time', async () => {
  const { core, targetArn } = await newCore();
  await userComponent('com.example.late');
  const { greengrass } = operator.clients;
  const components = { 'com.example.late': { componentVersion: '1.0.0' } };
  let interfered = false;
  greengrass.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === 'CreateDeploymentCommand' && !interfered) {
        interfered = true;
        await create({ targetArn, components });
      }
      return next(args);
    },
    { step: 'initialize', name: 'interfere' },
  );
  try {
    const { deploymentId } = await deploy(core);
    expect(Object.keys((await deployed(deploymentId)).components).sort()).toEqual(
      [NUCLEUS, 'com.example.late', COMPONENT].sort(),
    );
  } finally {
    greengrass.middlewareStack.remove('interfere');
  }
});

it('deploys to the thing group that the definition names', async () => {
  const { core } = await newCore();
  await operator.clients.iot.send(new CreateThingGroupCommand({ thingGroupName: 'floor' }));
  const targetArn = `arn:aws:iot:${cloud.region}:${cloud.account}:thinggroup/floor`;
  const engine = { delivery: 'components' as const, targetArn, seq: 1 };
  const done = await deploy(core, { definition: { ...emptyDefinition('floor'), revision: 1, engine } });
  expect(done.targetArn).toBe(targetArn);
  expect((await deployed(done.deploymentId)).core).toMatchObject({ delivery: 'components' });
});

it('names a core that is no thing', async () => {
  await expect(deploy('nobody')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

describe('the IPC client', () => {
  it('is passed on whole: it loads where nothing else is installed', async () => {
    const { common, native } = await readSdkFiles(root);
    const folder = path.join(dir, 'node');
    const architecture = process.arch === 'arm64' ? 'aarch64' : 'amd64';
    for (const { path: name, content } of [...common, native[architecture]]) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), content);
    }
    const script = `const { createClient } = require('aws-iot-device-sdk-v2/dist/greengrasscoreipc'); console.log(typeof createClient)`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: folder, encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toBe('function\n');
    const names = common.map(({ path: name }) => name);
    expect(names.filter((name) => /iotshadow|iotjobs|\.map$|\.d\.ts$|\.node$/.test(name))).toEqual([]);
  });

  it('is asked for where it is not installed', async () => {
    await expect(readSdkFiles(dir)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      expected: 'npm install --save-dev aws-iot-device-sdk-v2',
    });
  });
});

describe('the IoT policy of a Greengrass core', () => {
  async function certified(thingName: string): Promise<string> {
    const { iotCore } = cloud.services;
    iotCore.registry.things.create(thingName);
    const { certificateId, certificatePem } = await cloud.authority.issueClient({ commonName: thingName });
    iotCore.registry.certificates.register(certificatePem, 'ACTIVE');
    iotCore.registry.things.attach(thingName, certificateId);
    return certificateId;
  }

  beforeAll(() => {
    cloud.services.iotCore.registry.roleAliases.put(outputs.roleAlias, {
      roleArn: 'arn:aws:iam::000000000000:role/core',
    });
  });

  it('names the core in full, and is made anew when it is another one', async () => {
    const thingName = 'line:1';
    const certificateId = await certified(thingName);
    const policyName = await ensureGreengrassPolicy({ operator, outputs }, { thingName, certificateId });
    expect(policyName).toBe('shop-dev-edge-core.line=1');
    const document = async () => {
      const { policyDocument = '' } = await operator.clients.iot.send(new GetPolicyCommand({ policyName }));
      return policyDocument;
    };
    const before = await document();
    expect(before).not.toContain('${');
    expect(before).toContain('topic/edge/shop-dev/core/line:1/*');
    expect(before.length).toBeLessThanOrEqual(2_048);
    await ensureGreengrassPolicy({ operator, outputs }, { thingName, certificateId });
    expect(await document()).toBe(before);
    const moved = { ...outputs, corePrefix: 'edge/shop-prod' };
    await ensureGreengrassPolicy({ operator, outputs: moved }, { thingName, certificateId });
    expect(await document()).toContain('topic/edge/shop-prod/core/line:1/*');
    await until('the policy', () =>
      cloud.services.iotCore.registry.certificates.describe(certificateId).policyNames.includes(policyName)
        ? true
        : undefined,
    );
  });

  it('of client devices is a second one, as long as they are wanted', async () => {
    const thingName = 'line-2';
    const certificateId = await certified(thingName);
    const policyName = `${outputs.corePolicy}.clients.${thingName}`;
    const names = () => cloud.services.iotCore.registry.certificates.describe(certificateId).policyNames;
    const ensure = (wanted: boolean) =>
      ensureClientDevicePolicy({ operator, outputs }, { thingName, certificateId, wanted });
    await ensure(false);
    expect(names()).toEqual([]);
    await ensure(true);
    await ensure(true);
    expect(names()).toEqual([policyName]);
    const { policyDocument = '' } = await operator.clients.iot.send(new GetPolicyCommand({ policyName }));
    expect(policyDocument).toContain(
      `greengrass:${cloud.region}:${cloud.account}:/greengrass/things/line-2/`,
    );
    expect(policyDocument).toContain('topicfilter/$aws/things/line-2-gci/shadow/update/delta');
    await ensure(false);
    expect(names()).toEqual([]);
  });

  it('says so when names are too long for it', async () => {
    const thingName = 'x'.repeat(128);
    const certificateId = await certified(thingName);
    const long = { ...outputs, corePrefix: `edge/${'y'.repeat(120)}` };
    await expect(
      ensureGreengrassPolicy({ operator, outputs: long }, { thingName, certificateId }),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST', field: 'core' });
  });
});
