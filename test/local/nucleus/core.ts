import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  DescribeComponentCommand,
  GreengrassV2Client,
  ListEffectiveDeploymentsCommand,
  ListInstalledComponentsCommand,
  type ComponentDeploymentSpecification,
  type CreateDeploymentCommandInput,
  type EffectiveDeployment,
} from '@aws-sdk/client-greengrassv2';
import { startLocalCloud, type LocalCloud } from '../../../local';
import { startNucleusProcess } from '../../../local/dev/nucleus';
import type { NodeProcess, ProcessEvent } from '../../../local/dev/process';
import type { ThingFiles } from '../../../operations/things/thingFiles';
import type { Lifecycle } from '../../../protocol/greengrass/lifecycle';
import { encodeRecipe, type Recipe } from '../../../protocol/greengrass/recipe';
import { until } from '../../support/until';
import { allow, roleOf } from '../services/iotCore/harness';

export const CORE = 'core-1';
export const BUCKET = 'artifacts';
const ROLE_ALIAS = 'TokenExchangeAlias';

export interface TestCore {
  cloud: LocalCloud;
  client: GreengrassV2Client;
  nucleus: NodeProcess;
  /** Root folder of the nucleus. */
  root: string;
  /** `startPollMs`: when it looks whether what a deployment started still runs. */
  startNucleus(startPollMs?: number): Promise<NodeProcess>;
  /** Starts it anew, to look late enough for a process that ends three times, on a busy machine too. */
  lookLate(): Promise<void>;
  /** Creates a component version and waits until it is deployable. */
  component(name: string, version: string, lifecycle: Lifecycle, more?: Partial<Recipe>): Promise<void>;
  /** Deploys to the core and waits for the end. */
  deploy(
    components: Record<string, ComponentDeploymentSpecification>,
    more?: Partial<CreateDeploymentCommandInput>,
  ): Promise<EffectiveDeployment>;
  installed(): Promise<Record<string, string>>;
  /** The next event of a component that enters a state. */
  state(component: string, state: string, fresh?: boolean): Promise<ProcessEvent>;
  /** What a component wrote into its work folder, once it has. */
  workFile(component: string, name: string): Promise<string>;
  close(): Promise<void>;
}

/** Linux only: proc(5). One that ended and was not collected counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** A local cloud, and a core on it whose nucleus runs in a process of its own. */
export async function startCore(): Promise<TestCore> {
  const dir = await mkdtemp(join(tmpdir(), 'gg-'));
  const cloud = await startLocalCloud({ stateDir: join(dir, 'cloud') });
  const root = join(dir, 'v2');
  const thing = await provisionCore(cloud, dir);
  const client = new GreengrassV2Client({
    region: cloud.region,
    endpoint: cloud.endpoints.greengrass,
    credentials: operatorCredentials(cloud),
  });
  const core = { cloud, client, root } as TestCore;
  core.startNucleus = async (startPollMs = 200) => {
    const place = { cloud, core: thing, roleAlias: ROLE_ALIAS, stateDir: dir };
    // Quicker than a real one, which looks every second.
    const settings = { deploymentPollingFrequencySeconds: 0.02, startPollMs };
    core.nucleus = await startNucleusProcess(place, { settings });
    return core.nucleus;
  };
  core.lookLate = async () => {
    await core.nucleus.stop();
    await core.startNucleus(3_000);
  };
  core.component = (name, version, lifecycle, more) => createComponent(core, name, version, lifecycle, more);
  core.deploy = (components, more) => deploy(core, components, more);
  core.installed = async () => {
    const command = new ListInstalledComponentsCommand({ coreDeviceThingName: CORE, topologyFilter: 'ALL' });
    const { installedComponents = [] } = await client.send(command);
    return Object.fromEntries(
      installedComponents.map((one) => [
        `${one.componentName}:${one.componentVersion}`,
        one.lifecycleState ?? '',
      ]),
    );
  };
  core.state = (component, state, fresh = false) =>
    core.nucleus.waitFor('component', {
      fresh,
      where: (event) => event['component'] === component && event['state'] === state,
    });
  core.workFile = (component, name) =>
    until(`${name} of ${component}`, async () => {
      const text = await readFile(join(root, 'work', component, name), 'utf8').catch(() => '');
      return text === '' ? undefined : text;
    });
  core.close = async () => {
    client.destroy();
    await core.nucleus.stop();
    await cloud.close();
    await rm(dir, { recursive: true, force: true });
  };
  await core.startNucleus();
  return core;
}

function operatorCredentials(cloud: LocalCloud) {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = cloud.environment();
  return { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
}

/** Thing, certificate, IoT policy and token exchange role of a core. */
export async function provisionCore(cloud: LocalCloud, dir: string): Promise<ThingFiles> {
  const { iotCore, s3, roles } = cloud.services;
  await s3.createBucket(BUCKET);
  const { assumeRolePolicy, policies } = roleOf('TokenExchange', 'credentials.iot.amazonaws.com', [
    allow('s3:GetObject', `arn:aws:s3:::${BUCKET}/*`),
  ]);
  const role = roles.putRole({ name: 'TokenExchange', assumeRolePolicy, inline: policies, managedArns: [] });
  iotCore.registry.roleAliases.put(ROLE_ALIAS, { roleArn: role.arn });
  const issued = await cloud.authority.issueClient({ commonName: CORE });
  iotCore.registry.things.create(CORE);
  iotCore.registry.certificates.register(issued.certificatePem, 'ACTIVE');
  iotCore.registry.things.attach(CORE, issued.certificateId);
  const actions = ['iot:*', 'greengrass:*'];
  iotCore.registry.policies.put('core', { Version: '2012-10-17', Statement: [allow(actions, '*')] });
  iotCore.registry.certificates.attachPolicy(issued.certificateId, 'core');
  await mkdir(dir, { recursive: true });
  const files = {
    'ca.pem': iotCore.caPem,
    'cert.pem': issued.certificatePem,
    'key.pem': issued.privateKeyPem,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  const at = (name: string): string => join(dir, name);
  return {
    thingName: CORE,
    certificateId: issued.certificateId,
    ca: at('ca.pem'),
    certificate: at('cert.pem'),
    privateKey: at('key.pem'),
  };
}

async function createComponent(
  { client, cloud }: TestCore,
  name: string,
  version: string,
  lifecycle: Lifecycle,
  more: Partial<Recipe> & { artifacts?: Recipe['Manifests'][number]['Artifacts'] } = {},
): Promise<void> {
  const recipe: Recipe = {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: name,
    ComponentVersion: version,
    Manifests: [{ Platform: { os: 'linux' }, Lifecycle: lifecycle }],
    ...more,
  };
  await client.send(new CreateComponentVersionCommand({ inlineRecipe: encodeRecipe(recipe) }));
  const arn = `arn:aws:greengrass:${cloud.region}:${cloud.account}:components:${name}:versions:${version}`;
  await until(`${name}:${version}`, async () => {
    const { status } = await client.send(new DescribeComponentCommand({ arn }));
    if (status?.componentState === 'FAILED') throw new Error(JSON.stringify(status));
    return status?.componentState === 'DEPLOYABLE' ? true : undefined;
  });
}

const UNFINISHED = ['QUEUED', 'IN_PROGRESS'];

async function deploy(
  { client, cloud }: TestCore,
  components: Record<string, ComponentDeploymentSpecification>,
  more: Partial<CreateDeploymentCommandInput> = {},
): Promise<EffectiveDeployment> {
  const targetArn = `arn:aws:iot:${cloud.region}:${cloud.account}:thing/${CORE}`;
  const { deploymentId } = await client.send(new CreateDeploymentCommand({ targetArn, components, ...more }));
  return until(`the end of deployment ${deploymentId}`, async () => {
    const command = new ListEffectiveDeploymentsCommand({ coreDeviceThingName: CORE });
    const { effectiveDeployments = [] } = await client
      .send(command)
      .catch(() => ({ effectiveDeployments: [] }));
    return effectiveDeployments.find(
      (one) => one.deploymentId === deploymentId && !UNFINISHED.includes(one.coreDeviceExecutionStatus ?? ''),
    );
  });
}
