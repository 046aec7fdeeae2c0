import type { ComponentDeploymentSpecification } from '@aws-sdk/client-greengrassv2';
import { CORE } from '../../fixtures';
import { performer } from './performer';
import { CORE_COMPONENT, functionsIn, startV2World, wanting, type V2World } from './world';

/** Deployments that fail through no fault of a function. */
describe('engine greengrassv2, a deployment that may succeed later', () => {
  let world: V2World;
  beforeEach(async () => {
    world = await startV2World();
    await world.initialise();
    await world.complete();
  });
  afterEach(() => world.close());

  const FULL = ['DEPLOYMENT_FAILURE', 'ARTIFACT_DOWNLOAD_ERROR', 'IO_ERROR', 'DISK_SPACE_CRITICAL'];
  const full = () => world.fail('FAILED_NO_STATE_CHANGE: no space left on device', FULL, ['DEVICE_ERROR']);
  const told = () => world.messages.notices.filter(({ error }) => error !== undefined);

  it('tells the core why nothing comes, and makes it again on sweeps, more and more rarely', async () => {
    const { definitions, run, latest } = performer(world);
    definitions.put(wanting(1, ['detect@1.0.0']));
    world.upload(wanting(1, ['detect@1.0.0']));
    await run({ group: 'plant' });
    const first = (await world.latest()).id;
    await full();
    await run(world.events().at(-1));
    expect(told()).toEqual([
      {
        ...{ core: CORE, group: 'plant', revision: 1 },
        error: { code: 'DEPLOYMENT_FAILED', message: expect.stringContaining('no space left on device') },
      },
    ]);
    await run({ sweep: true });
    expect((await world.latest()).id).toBe(first);
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const { id } = await world.latest();
      world.clock.pass((minutes - 0.1) * 60_000);
      await run({ sweep: true });
      expect((await world.latest()).id).toBe(id);
      world.clock.pass(0.1 * 60_000);
      await run({ sweep: true });
      expect((await world.latest()).id).not.toBe(id);
      expect(await world.engine.recorded('plant', 1)).toMatchObject({ state: 'inProgress' });
      await full();
      await run(world.events().at(-1));
    }
    world.clock.pass(60 * 60_000);
    await run({ sweep: true });
    await world.complete();
    await run({ sweep: true });
    const succeeded = await world.engine.recorded('plant', 1);
    expect(succeeded).toMatchObject({ state: 'succeeded' });
    expect(succeeded).not.toHaveProperty('again');
    expect(latest()).toMatchObject({ revision: 1 });
    expect(latest()).not.toHaveProperty('rollbacks');
  });

  it('makes it again at once for a newer revision, and when the operator deploys once more', async () => {
    const { definitions, run } = performer(world);
    definitions.put(wanting(1, ['detect@1.0.0']));
    world.upload(wanting(1, ['detect@1.0.0']));
    await run({ group: 'plant' });
    await full();
    await run(world.events().at(-1));
    const failed = (await world.latest()).id;
    // What `sls edge deploy` does to a group in which nothing changed.
    world.records.written.length = 0;
    await run({ group: 'plant' });
    const again = (await world.latest()).id;
    expect(again).not.toBe(failed);
    definitions.put(wanting(2, ['detect@1.0.0']));
    await run({ group: 'plant' });
    expect((await world.latest()).id).not.toBe(again);
  });

  it('tells the core of a target that is that of another group, and takes it up once it is free', async () => {
    const { definitions, run } = performer(world);
    const free = (await world.latest()).components;
    await world.deploy(ofGroup('bakery', free));
    definitions.put(wanting(1, ['detect@1.0.0']));
    world.upload(wanting(1, ['detect@1.0.0']));
    await run({ group: 'plant' });
    const error = { code: 'DEPLOYMENT_FAILED', message: expect.stringContaining('bakery') };
    expect(told()).toMatchObject([{ core: CORE, revision: 1, error }]);
    await world.deploy(free);
    world.clock.pass(60_000);
    await run({ sweep: true });
    expect(functionsIn((await world.latest()).components)).toEqual(['detect@1.0.0']);
  });

  it('tells the core when others deploy again and again', async () => {
    const { definitions, run } = performer(world);
    definitions.put(wanting(1, ['detect@1.0.0']));
    world.upload(wanting(1, ['detect@1.0.0']));
    const client = world.rig.clientOf(world.credentials);
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (context.commandName === 'CreateDeploymentCommand') {
          await world.deploy({ 'com.example.Mine': { componentVersion: '1.0.0' }, ...free });
        }
        return answer;
      },
      { step: 'initialize', name: 'others' },
    );
    const free = (await world.latest()).components;
    await expect(run({ group: 'plant' }, world.newEngine(client))).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(told()).toMatchObject([{ core: CORE, revision: 1, error: { code: 'CONFLICT' } }]);
  });
});

/** As `core init` of another group would leave the target. */
function ofGroup(
  group: string,
  components: Record<string, ComponentDeploymentSpecification>,
): Record<string, ComponentDeploymentSpecification> {
  const merge = JSON.stringify({ group, revision: 0 });
  return {
    ...components,
    [CORE_COMPONENT]: { componentVersion: '0.1.0', configurationUpdate: { merge } },
  };
}
