import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  GreengrassClient,
  ListFunctionDefinitionsCommand,
  ListGroupsCommand,
} from '@aws-sdk/client-greengrass';
import { AttachPolicyCommand, CreatePolicyCommand } from '@aws-sdk/client-iot';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { CoreDelivery, CoreOutcome } from '../../../local/services/greengrassV1';
import type { Deployment } from '../../../handlers/engines/engine';
import { writeStackFile } from '../../../local';
import { clientConfig } from '../../../operations/clients';
import { keys, rollbacksInForce } from '../../../protocol';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../../support/environment';
import { packageTemplate } from '../../support/packaged';
import { sls } from '../../support/sls';
import { startStandInCloudFormation, WITHOUT_CLOUD_FORMATION } from '../../support/standInCloudFormation';
import { until } from '../../support/until';

interface Deployed {
  FunctionArn: string;
  FunctionConfiguration: { Environment: { Variables: Record<string, string> } };
}

/**
 * The stack as packaged for `engine: greengrass`: createFunction publishes every function to Lambda, and
 * performDeployment, in its own role, brings them into a Greengrass V1 group. How a deployment ends on
 * the core reaches the definition through the stack's own event rule.
 */
describe('engine greengrass in the cloud', () => {
  let environment: TestEnvironment;
  let serviceDir: string;
  const deliveries: CoreDelivery[] = [];
  /** Whether the core is there. */
  let answers = true;

  /** The core takes everything but what is called brittle. */
  async function report(delivery: CoreDelivery): Promise<CoreOutcome> {
    deliveries.push(delivery);
    if (!answers) return new Promise<never>(() => undefined);
    const brittle = functionsOf(delivery).find(({ FunctionArn }) => FunctionArn.includes('-brittle:'));
    if (brittle === undefined) return { status: 'Success' };
    return { status: 'Failure', errorMessage: `The function ${brittle.FunctionArn} could not be started` };
  }

  beforeAll(async () => {
    const service = await packageTemplate(
      (yaml) =>
        yaml
          .replace("${param:engine, 'direct'}", 'greengrass')
          .replace('plugins:\n', 'plugins:\n  - ./withoutCloudFormation.cjs\n'),
      { 'withoutCloudFormation.cjs': WITHOUT_CLOUD_FORMATION },
    );
    serviceDir = service.serviceDir;
    environment = await startTestEnvironment({
      serviceDir,
      packageDir: service.directory,
      greengrass: { v1: { core: report } },
    });
  });

  afterAll(async () => {
    await environment?.close();
    if (serviceDir !== undefined) await rm(serviceDir, { recursive: true, force: true });
  });

  function functionsOf({ definitions }: CoreDelivery): Deployed[] {
    return (definitions.FunctionDefinitionVersionArn?.Functions ?? []) as Deployed[];
  }

  const keysOf = (delivery: CoreDelivery | undefined): string[] =>
    (delivery === undefined ? [] : functionsOf(delivery)).flatMap(
      ({ FunctionConfiguration }) => FunctionConfiguration.Environment.Variables['EDGE_FUNCTION_KEY'] ?? [],
    );

  async function recorded(revision: number, state: Deployment['state']): Promise<Deployment> {
    const Key = keys.deployment(GROUP, revision);
    const command = new GetObjectCommand({ Bucket: environment.outputs.stateBucket, Key });
    return until(
      `revision ${revision} ${state}`,
      async () => {
        const text = await environment.operator.clients.s3
          .send(command)
          .then(({ Body }) => Body?.transformToString())
          .catch(() => undefined);
        const found = text === undefined ? undefined : (JSON.parse(text) as Deployment);
        return found?.state === state ? found : undefined;
      },
      25_000,
    );
  }

  const definition = async () => {
    const found = await environment.operator.definition(environment.outputs.stateBucket, GROUP);
    if (found === undefined) throw new Error('no definition');
    return found;
  };

  async function manifest(name: string) {
    const index = await environment.operator.functionIndex(environment.outputs.stateBucket, name);
    const found = index?.versions[index.latest]?.manifest;
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  }

  const preload = async (...names: string[]) =>
    environment.updateGroup({ group: GROUP, statics: await Promise.all(names.map(manifest)) });

  it('publishes functions of every location, and deploys the first definition', async () => {
    const { revision } = await definition();
    expect(await recorded(revision, 'succeeded')).toMatchObject({ core: expect.any(String) });
    const [name = ''] = Object.keys((await definition()).statics);
    expect(await manifest(name)).toMatchObject({
      cloud: { functionArn: expect.stringContaining(':function:'), qualifier: '1' },
    });
    expect(deliveries.at(-1)?.groupName).toBe(
      `${environment.outputs.corePrefix.replaceAll('/', '-')}-${GROUP}`,
    );
    expect(keysOf(deliveries.at(-1))).toEqual([`${name}@1.0.0`]);
    const arns = functionsOf(deliveries.at(-1) as CoreDelivery).map(({ FunctionArn }) => FunctionArn);
    expect(arns).toContainEqual(expect.stringMatching(/-edgeCoreMonitor:\d+$/));
  });

  it('brings a new function, and gives the core a version of it', async () => {
    await environment.registerFunction('count', 'exports.handler = () => 1;');
    const names = Object.keys((await definition()).statics);
    const { revision } = await preload(...names, 'count');
    await recorded(revision, 'succeeded');
    expect(keysOf(deliveries.at(-1))).toContain('count@1.0.0');
  });

  it('rolls back the function that a deployment failed for, and the rest is deployed', async () => {
    await environment.registerFunction('brittle', 'exports.handler = () => 2;');
    const names = Object.keys((await definition()).statics);
    const tried = await preload(...names, 'brittle');
    expect(await recorded(tried.revision, 'failed')).toMatchObject({
      error: { message: expect.stringContaining('could not be started') },
      failures: { 'brittle@1.0.0': { error: { code: 'DEPLOYMENT_FAILED' } } },
    });
    await recorded(tried.revision + 1, 'succeeded');
    expect(rollbacksInForce(await definition())).toMatchObject([
      { function: 'brittle', version: '1.0.0', static: true },
    ]);
    expect(keysOf(deliveries.at(-1))).toContain('count@1.0.0');
    expect(keysOf(deliveries.at(-1))).not.toContain('brittle@1.0.0');
  });

  it('sls edge core init makes the certificate of the core, and says what is left to do', async () => {
    await writeStackFile(environment, path.join(serviceDir, '.edge', 'stack.json'));
    const init = (...args: string[]) =>
      sls(serviceDir, ['edge', 'core', 'init', '--group', GROUP, '--local', '--out', 'node', ...args]);
    const refused = await init('--host', 'edge.example', '--json');
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'BAD_REQUEST', message: expect.stringContaining('--platform greengrass') as string },
    });
    const { code, stdout } = await init('--replace');
    expect({ code, stdout }).toMatchObject({ code: 0 });
    const group = `${environment.outputs.corePrefix.replaceAll('/', '-')}-${GROUP}`;
    expect(stdout).toContain(`The engine puts it into the Greengrass group ${group}`);
    for (const left of ['V1 core software', 'IoT policy', 'AssociateRoleToGroup', 'Node 12 at most']) {
      expect(stdout).toContain(left);
    }
    expect(stdout).not.toContain('node core.cjs');
    expect(await readdir(path.join(serviceDir, 'node'))).toEqual(['README.md', 'credentials']);

    const { core, revision } = await definition();
    expect(stdout).toContain(core?.certificateId.slice(0, 8));
    await recorded(revision, 'succeeded');
    const [inGroup] = deliveries.at(-1)?.definitions.CoreDefinitionVersionArn?.Cores as object[];
    expect(inGroup).toMatchObject({
      CertificateArn: await environment.operator.certificateArn(core?.certificateId ?? ''),
    });
    // What the operator adds to the certificate for V1 keeps `sls remove` from nothing.
    const { iot } = environment.operator.clients;
    const policyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'greengrass:*', Resource: '*' }],
    });
    await iot.send(new CreatePolicyCommand({ policyName: 'v1-core', policyDocument }));
    const target = await environment.operator.certificateArn(core?.certificateId ?? '');
    await iot.send(new AttachPolicyCommand({ policyName: 'v1-core', target }));
  });

  it('leaves nothing of it behind after sls remove, not even while a deployment is in flight', async () => {
    const client = new GreengrassClient(clientConfig(environment.operator.config, 'GREENGRASS'));
    const groups = async () => (await client.send(new ListGroupsCommand({}))).Groups ?? [];
    const before = await groups();
    const { core } = await definition();
    answers = false;
    await environment.registerFunction('late', 'exports.handler = () => 3;');
    const { revision } = await preload('late');
    await recorded(revision, 'inProgress');

    const standIn = await startStandInCloudFormation(environment.cloud);
    try {
      const variables = { ...environment.cloud.environment(), AWS_ENDPOINT_URL: standIn.url };
      const { code, stdout, stderr } = await sls(serviceDir, ['remove'], variables);
      expect({ code, stdout }).toMatchObject({ code: 0 });
      expect(stderr).toContain('1 Greengrass groups, 6 definitions of them');
    } finally {
      await standIn.close();
    }
    // The end of the deployment wakes performDeployment, which must not make the group again.
    await environment.cloud.idle();
    expect(before).toHaveLength(1);
    expect(await groups()).toEqual([]);
    expect((await client.send(new ListFunctionDefinitionsCommand({}))).Definitions).toEqual([]);
    expect(await environment.operator.certificateArn(core?.certificateId ?? '')).toBeUndefined();
  });
});
