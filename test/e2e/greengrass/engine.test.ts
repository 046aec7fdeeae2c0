import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  ListInstalledComponentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { AttachPolicyCommand, CreatePolicyCommand } from '@aws-sdk/client-iot';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { startNucleusProcess } from '../../../local/dev/nucleus';
import type { NodeProcess } from '../../../local/dev/process';
import { coreComponentName, functionComponentName, keys, rollbacksInForce } from '../../../protocol';
import { encodeRecipe, type Recipe } from '../../../protocol/greengrass/recipe';
import type { Deployment } from '../../../handlers/engines/engine';
import { functionPackage } from '../../../local';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../../support/environment';
import { packageTemplate, withEngine } from '../../support/packaged';
import { until } from '../../support/until';
import { allow, roleOf } from '../../local/services/iotCore/harness';

const HOST = 'a'.repeat(64);
/** In place of the function host, because a component that crashes is what this is about. */
const HOST_SCRIPT = `
const { existsSync } = require('node:fs');
const folder = process.argv[process.argv.indexOf('--package') + 1];
if (existsSync(folder + '/crash')) { console.error('cannot run'); process.exit(1); }
setInterval(() => undefined, 1000);
`;

/**
 * The stack as packaged for `engine: greengrassv2`, with performDeployment as a Lambda function of the
 * local cloud in its own role, and a nucleus in a process of its own: what a deployment becomes on the core
 * reaches the group's definition through the stack's own event rule.
 */
describe('engine greengrassv2 in the cloud', () => {
  let environment: TestEnvironment;
  let nucleus: NodeProcess;
  let nucleusDir: string;

  beforeAll(async () => {
    const { serviceDir, directory } = await packageTemplate(withEngine('greengrassv2', 'components'));
    environment = await startTestEnvironment({ serviceDir, packageDir: directory });
  });

  afterAll(async () => {
    await nucleus?.stop();
    await environment?.close();
    await rm(nucleusDir, { recursive: true, force: true });
  });

  const clients = () => environment.operator.clients;

  async function record(revision: number): Promise<Deployment | undefined> {
    const Key = keys.deployment(GROUP, revision);
    const command = new GetObjectCommand({ Bucket: environment.outputs.stateBucket, Key });
    const text = await clients()
      .s3.send(command)
      .then(({ Body }) => Body?.transformToString())
      .catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Deployment);
  }

  const recorded = (revision: number, state: Deployment['state']) =>
    until(
      `revision ${revision} ${state}`,
      async () => {
        const found = await record(revision);
        return found?.state === state ? found : undefined;
      },
      25_000,
    );

  const definition = async () => {
    const found = await environment.operator.definition(environment.outputs.stateBucket, GROUP);
    if (found === undefined) throw new Error('no definition');
    return found;
  };

  /** What `sls edge core init --platform greengrassv2` leaves, with a core component that only waits. */
  async function installCore(): Promise<void> {
    const { functionsBucket, corePrefix } = environment.outputs;
    const Body = await functionPackage({ 'componentHost.cjs': HOST_SCRIPT });
    await clients().s3.send(
      new PutObjectCommand({ Bucket: functionsBucket, Key: keys.componentHost(HOST), Body }),
    );
    const name = coreComponentName(corePrefix);
    const recipe: Recipe = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: name,
      ComponentVersion: '0.1.0',
      Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { run: 'exec sleep 100000' } }],
    };
    await clients().greengrass.send(
      new CreateComponentVersionCommand({ inlineRecipe: encodeRecipe(recipe) }),
    );
    const merge = JSON.stringify({ group: GROUP, host: HOST, revision: 0 });
    const { thingName } = environment.groups[GROUP]?.core ?? { thingName: '' };
    await clients().greengrass.send(
      new CreateDeploymentCommand({
        targetArn: thingArn(thingName),
        deploymentName: 'core init',
        components: { [name]: { componentVersion: '0.1.0', configurationUpdate: { merge } } },
      }),
    );
  }

  /** A role for artifacts and an IoT policy for the nucleus, as an operator of Greengrass has them. */
  async function startNucleus(): Promise<NodeProcess> {
    const { iotCore, roles } = environment.cloud.services;
    const { functionsBucket } = environment.outputs;
    const { assumeRolePolicy, policies } = roleOf('TokenExchange', 'credentials.iot.amazonaws.com', [
      allow('s3:GetObject', `arn:aws:s3:::${functionsBucket}/*`),
    ]);
    const role = roles.putRole({
      name: 'TokenExchange',
      assumeRolePolicy,
      inline: policies,
      managedArns: [],
    });
    iotCore.registry.roleAliases.put('TokenExchangeAlias', { roleArn: role.arn });
    const core = environment.groups[GROUP]?.core;
    if (core === undefined) throw new Error('no core');
    const policyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [allow(['iot:*', 'greengrass:*'], '*')],
    });
    await clients().iot.send(new CreatePolicyCommand({ policyName: 'nucleus', policyDocument }));
    const target = `arn:aws:iot:${environment.cloud.region}:${environment.cloud.account}:cert/${core.certificateId}`;
    await clients().iot.send(new AttachPolicyCommand({ policyName: 'nucleus', target }));
    nucleusDir = await mkdtemp(path.join(tmpdir(), 'gg-'));
    return startNucleusProcess(
      {
        cloud: environment.cloud,
        core,
        roleAlias: 'TokenExchangeAlias',
        stateDir: nucleusDir,
      },
      { settings: { deploymentPollingFrequencySeconds: 0.05, startPollMs: 200 } },
    );
  }

  const thingArn = (name: string): string =>
    `arn:aws:iot:${environment.cloud.region}:${environment.cloud.account}:thing/${name}`;

  async function sweep(): Promise<void> {
    const FunctionName = `${environment.stackName}-performDeployment`;
    const Payload = Buffer.from(JSON.stringify({ sweep: true }));
    const { FunctionError, Payload: answer } = await clients().lambda.send(
      new InvokeCommand({ FunctionName, Payload }),
    );
    if (FunctionError !== undefined) throw new Error(Buffer.from(answer ?? []).toString());
  }

  async function preload(...names: string[]) {
    const manifests = await Promise.all(
      names.map(async (name) => {
        const index = await environment.operator.functionIndex(environment.outputs.stateBucket, name);
        const manifest = index?.versions[index.latest]?.manifest;
        if (manifest === undefined) throw new Error(`no ${name}`);
        return manifest;
      }),
    );
    return environment.updateGroup({ group: GROUP, statics: manifests });
  }

  it('waits for the core, deploys what is wanted, and hears from Greengrass that it runs', async () => {
    const { revision } = await definition();
    expect(await recorded(revision, 'waiting')).toMatchObject({
      error: { message: expect.stringContaining('core init') },
    });
    await installCore();
    nucleus = await startNucleus();
    await sweep();
    const { engineId } = await recorded(revision, 'succeeded');
    expect(engineId).toEqual(expect.any(String));
    const component = functionComponentName(environment.outputs.corePrefix, 'smoothSignal');
    expect(await installed()).toMatchObject({ [component]: 'RUNNING' });
  });

  it('rolls back a function whose component does not run, and leaves the others running', async () => {
    await environment.registerPackages([{ name: 'brittle', bytes: await brittle('1') }]);
    const pid = await pidOf('smoothSignal');
    expect(pid).toBeDefined();
    const tried = await preload('smoothSignal', 'brittle');
    expect(await recorded(tried.revision, 'failed')).toMatchObject({
      failures: { [`brittle@1.0.0`]: { error: { code: 'DEPLOYMENT_FAILED' } } },
    });
    await recorded(tried.revision + 1, 'succeeded');
    expect(rollbacksInForce(await definition())).toMatchObject([
      { function: 'brittle', version: '1.0.0', static: true },
    ]);
    const component = functionComponentName(environment.outputs.corePrefix, 'brittle');
    expect(Object.keys(await installed())).not.toContain(component);
    expect(await pidOf('smoothSignal')).toBe(pid);
  });

  async function brittle(content: string): Promise<Buffer> {
    const source = 'exports.handler = () => 1;\n';
    return functionPackage(
      { 'index.js': source, crash: content },
      { name: 'brittle', handler: 'index.handler' },
    );
  }

  async function installed(): Promise<Record<string, string>> {
    const { thingName = '' } = environment.groups[GROUP]?.core ?? {};
    const answer = await clients().greengrass.send(
      new ListInstalledComponentsCommand({ coreDeviceThingName: thingName, topologyFilter: 'ALL' }),
    );
    return Object.fromEntries(
      (answer.installedComponents ?? []).map((one) => [one.componentName ?? '', one.lifecycleState ?? '']),
    );
  }

  /** Linux only: the process that runs a function's component. */
  async function pidOf(name: string): Promise<string | undefined> {
    for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const [program = '', script = ''] = command.split('\0');
      if (!program.endsWith('node') || !script.includes(HOST)) continue;
      if (command.includes(`${name}@`)) return pid;
    }
    return undefined;
  }
});
