import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { CoreDelivery, CoreOutcome } from '../../local/greengrass/v1';
import type { Deployment } from '../../handlers/engines/engine';
import { keys, rollbacksInForce } from '../../protocol';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { packageTemplate } from '../support/packaged';
import { until } from '../support/until';

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
  const deliveries: CoreDelivery[] = [];

  /** The core takes everything but what is called brittle. */
  async function report(delivery: CoreDelivery): Promise<CoreOutcome> {
    deliveries.push(delivery);
    const brittle = functionsOf(delivery).find(({ FunctionArn }) => FunctionArn.includes('-brittle:'));
    if (brittle === undefined) return { status: 'Success' };
    return { status: 'Failure', errorMessage: `The function ${brittle.FunctionArn} could not be started` };
  }

  beforeAll(async () => {
    const { serviceDir, directory } = await packageTemplate((yaml) =>
      yaml.replace("${param:engine, 'direct'}", 'greengrass'),
    );
    environment = await startTestEnvironment({
      serviceDir,
      packageDir: directory,
      greengrass: { v1: { core: report } },
    });
  }, 120_000);

  afterAll(() => environment?.close());

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
  }, 60_000);

  it('brings a new function, and gives the core a version of it', async () => {
    await environment.registerFunction('count', 'exports.handler = () => 1;');
    const names = Object.keys((await definition()).statics);
    const { revision } = await preload(...names, 'count');
    await recorded(revision, 'succeeded');
    expect(keysOf(deliveries.at(-1))).toContain('count@1.0.0');
  }, 60_000);

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
  }, 60_000);
});
