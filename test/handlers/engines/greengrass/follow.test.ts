import { functionComponentName } from '../../../../protocol';
import { manifestOf } from '../../fixtures';
import { contentOf } from '../../memory/definitions';
import { functionOfComponent } from '../../../../handlers/engines/greengrass/components';
import { register } from '../registered';
import { performer } from './performer';
import { functionsIn, PREFIX, revisionIn, startV2World, wanting, type V2World } from './world';

const DETECT = functionComponentName(PREFIX, 'detect');

describe('engine greengrassv2, following a deployment', () => {
  let world: V2World;
  beforeEach(async () => {
    world = await startV2World();
    await world.initialise();
    await world.complete();
  });
  afterEach(() => world.close());

  const status = (revision: number) => world.engine.status('plant', revision);

  async function apply(revision: number, functions: string[], hot = false) {
    const definition = wanting(revision, functions, hot ? { engine: { delivery: 'hot', seq: 2 } } : {});
    world.upload(definition);
    return world.engine.apply(definition);
  }

  /** The component that the target has for a version of a function. */
  async function componentOf(name: string, version: string): Promise<string> {
    const { components } = await world.latest();
    const found = Object.entries(components).find(
      ([component, { componentVersion }]) =>
        functionOfComponent(PREFIX, component) === name && componentVersion === version,
    );
    return found?.[0] ?? '';
  }

  it('is in progress until the core has it, then succeeded, and the record says so', async () => {
    const { engineId } = await apply(1, ['detect@1.0.0']);
    expect(await status(1)).toMatchObject({ state: 'inProgress', engineId });
    await world.complete();
    expect(await world.engine.recorded('plant', 1)).toMatchObject({ state: 'inProgress' });
    expect(await status(1)).toMatchObject({ state: 'succeeded', engineId });
    expect(await world.engine.recorded('plant', 1)).toMatchObject({ state: 'succeeded' });
  });

  it('that failed has the reasons of the nucleus, and names the function that it names', async () => {
    await apply(1, ['detect@1.0.0', 'count@1.0.0']);
    await world.complete();
    await apply(2, ['detect@1.1.0', 'count@1.1.0']);
    const component = await componentOf('detect', '1.1.0');
    await world.fail(`FAILED_ROLLBACK_COMPLETE: Service ${component} in broken state after deployment`);
    const failed = await status(2);
    expect(failed).toMatchObject({
      state: 'failed',
      error: {
        code: 'DEPLOYMENT_FAILED',
        message: expect.stringContaining('in broken state after deployment'),
        details: {
          errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_UPDATE_ERROR'],
          errorTypes: ['USER_COMPONENT_ERROR'],
        },
      },
    });
    expect(failed?.failures).toEqual({ 'detect@1.1.0': { error: failed?.error, running: '1.0.0' } });
  });

  it('that failed for a reason without a name blames what the core does not run', async () => {
    await apply(1, ['detect@1.0.0']);
    await world.complete();
    await apply(2, ['detect@1.0.0', 'count@1.0.0']);
    await world.fail('FAILED_ROLLBACK_COMPLETE: a bootstrap step ended with 1', [
      'DEPLOYMENT_FAILURE',
      'COMPONENT_BOOTSTRAP_ERROR',
    ]);
    expect(Object.keys((await status(2))?.failures ?? {})).toEqual(['count@1.0.0']);
  });

  it.each([
    ['DEVICE_ERROR', ['ARTIFACT_DOWNLOAD_ERROR', 'IO_ERROR', 'DISK_SPACE_CRITICAL']],
    ['NETWORK_ERROR', ['ARTIFACT_DOWNLOAD_ERROR', 'NETWORK_ERROR']],
    ['PERMISSION_ERROR', ['ARTIFACT_DOWNLOAD_ERROR', 'S3_HEAD_OBJECT_ACCESS_DENIED']],
    ['NUCLEUS_ERROR', ['NUCLEUS_RESTART_FAILURE']],
    [undefined, []],
  ])(
    'that failed with %s blames no function, whatever the reason names, and may pass',
    async (type, codes) => {
      await apply(1, ['detect@1.0.0']);
      await world.complete();
      await apply(2, ['detect@1.0.0', 'count@1.0.0']);
      const name = type === undefined ? '' : ` for component ${functionComponentName(PREFIX, 'count')}`;
      const types = type === undefined ? [] : [type];
      await world.fail(`FAILED_NO_STATE_CHANGE: it failed${name}`, ['DEPLOYMENT_FAILURE', ...codes], types);
      const failed = await status(2);
      expect(failed).toMatchObject({ state: 'failed', again: { tries: 1, at: '2026-01-02T03:05:05.000Z' } });
      expect(failed?.failures).toBeUndefined();
    },
  );

  it('that misses an artifact blames the function that the reason names', async () => {
    await apply(1, ['detect@1.0.0', 'count@1.0.0']);
    const reason = `FAILED_NO_STATE_CHANGE: no artifact of component ${DETECT}`;
    await world.fail(reason, ['DEPLOYMENT_FAILURE', 'S3_HEAD_OBJECT_RESOURCE_NOT_FOUND'], ['REQUEST_ERROR']);
    expect(Object.keys((await status(1))?.failures ?? {})).toEqual(['detect@1.0.0']);
  });

  it("that failed because of somebody else's component accuses nothing that is absent with it", async () => {
    await apply(1, []);
    await world.complete();
    const mine = { 'com.example.Mine': { componentVersion: '1.0.0' } };
    await world.deploy({ ...(await world.latest()).components, ...mine });
    await apply(2, ['detect@1.0.0']);
    await world.fail('FAILED_ROLLBACK_COMPLETE: Service com.example.Mine in broken state after deployment');
    const failed = await status(2);
    expect(failed).toMatchObject({ state: 'failed' });
    expect(failed).not.toHaveProperty('failures');
    // It would break once more.
    expect(failed).not.toHaveProperty('again');
  });

  it('that failed because of another component blames no function that runs', async () => {
    await apply(1, ['detect@1.0.0']);
    await world.complete();
    await world.deploy({
      ...(await world.latest()).components,
      'com.example.Mine': { componentVersion: '1.0.0' },
    });
    await world.fail('FAILED_ROLLBACK_COMPLETE: Service com.example.Mine in broken state after deployment');
    const failed = await status(1);
    expect(failed).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining('com.example.Mine') },
    });
    expect(failed?.failures).toBeUndefined();
  });

  it('that completed has failed all the same when a function breaks afterwards', async () => {
    await apply(1, ['detect@1.0.0', 'count@1.0.0']);
    await world.complete();
    expect(await status(1)).toMatchObject({ state: 'succeeded' });
    await world.breakDown(DETECT, 'run exited with 1');
    const event = world.events().at(-1);
    expect(event).toMatchObject({
      source: 'aws.greengrass',
      'detail-type': 'Greengrass V2 Installed Component Status Change',
      detail: { components: [{ componentName: DETECT, lifecycleState: 'BROKEN' }] },
    });
    expect(await world.engine.groupOf(event)).toBe('plant');
    const failed = await status(1);
    expect(failed).toMatchObject({ state: 'failed', error: { message: expect.stringContaining('exited') } });
    expect(Object.keys(failed?.failures ?? {})).toEqual(['detect@1.0.0']);
    expect(
      await world.engine.groupOf({ ...(event as object), resources: ['arn:of:something'] }),
    ).toBeUndefined();
    const others = { components: [{ componentName: 'com.example.Mine', lifecycleState: 'BROKEN' }] };
    expect(await world.engine.groupOf({ ...(event as object), detail: others })).toBeUndefined();
  });

  it('that failed because of another component has succeeded once somebody mended that', async () => {
    await apply(1, ['detect@1.0.0']);
    await world.complete();
    const { components } = await world.latest();
    await world.deploy({ ...components, 'com.example.Mine': { componentVersion: '1.0.0' } });
    await world.fail('FAILED_ROLLBACK_COMPLETE: Service com.example.Mine in broken state after deployment');
    expect(await status(1)).toMatchObject({ state: 'failed' });
    expect(await status(1)).toMatchObject({ state: 'failed' });
    const id = await world.deploy({ ...components, 'com.example.Mine': { componentVersion: '1.0.1' } });
    await world.complete();
    expect(await status(1)).toMatchObject({ state: 'succeeded', engineId: id });
  });

  it('under hot delivery blames no function at all: the core tells of those itself', async () => {
    await apply(1, ['detect@1.0.0'], true);
    await world.fail('FAILED_ROLLBACK_COMPLETE');
    expect((await status(1))?.failures).toBeUndefined();
  });

  it('is superseded once a higher revision is there', async () => {
    await apply(1, ['detect@1.0.0']);
    await world.newEngine().apply(wanting(3, []));
    world.records.written.splice(1);
    expect(await status(1)).toMatchObject({ state: 'superseded' });
  });

  it('follows the deployment that somebody made from it', async () => {
    await apply(1, ['detect@1.0.0']);
    const mine = { 'com.example.Mine': { componentVersion: '1.0.0' } };
    const id = await world.deploy({ ...(await world.latest()).components, ...mine });
    expect(await status(1)).toMatchObject({ state: 'inProgress', engineId: id });
    await world.complete();
    expect(await status(1)).toMatchObject({ state: 'succeeded', engineId: id });
  });

  it('is lost when somebody deployed without it, also after it succeeded', async () => {
    const { components } = await world.latest();
    await apply(1, ['detect@1.0.0']);
    await world.complete();
    expect(await status(1)).toMatchObject({ state: 'succeeded' });
    await world.deploy({ ...components, 'com.example.Mine': { componentVersion: '1.0.0' } });
    expect(await status(1)).toBeUndefined();
  });

  it('can be cancelled', async () => {
    await apply(1, []);
    expect(await world.engine.cancel('plant', 1)).toMatchObject({
      state: 'failed',
      error: { code: 'ABORTED' },
    });
    expect(await world.engine.recorded('plant', 1)).toMatchObject({ state: 'failed' });
    expect(await apply(1, [])).toMatchObject({ state: 'inProgress' });
  });

  it('that somebody cancelled on Greengrass has failed', async () => {
    await apply(1, []);
    await world.cancel((await world.latest()).id);
    expect(await status(1)).toMatchObject({ state: 'failed', error: { code: 'ABORTED' } });
  });

  it('finds its group from the event that Greengrass sends, and none for the deployments of others', async () => {
    await apply(1, ['detect@1.0.0']);
    await world.complete();
    const event = world.events().at(-1);
    expect(event).toMatchObject({
      source: 'aws.greengrass',
      detail: { coreDeviceExecutionStatus: 'COMPLETED' },
    });
    expect(await world.engine.groupOf(event)).toBe('plant');
    await world.deploy((await world.latest()).components);
    await world.complete();
    expect(await world.engine.groupOf(world.events().at(-1))).toBeUndefined();
    expect(await world.engine.groupOf({ source: 'aws.events' })).toBeUndefined();
    const unknown = { ...(event as object), detail: { deploymentId: 'gone' } };
    expect(await world.engine.groupOf(unknown)).toBeUndefined();
  });

  describe('by performDeployment', () => {
    it('rolls back on the event that tells of a failure, and keeps the rest', async () => {
      const { definitions, registry, run, latest } = performer(world);
      definitions.put(wanting(1, ['detect@1.0.0', 'count@1.0.0']));
      world.upload(wanting(1, ['detect@1.0.0', 'count@1.0.0']));
      await run({ sweep: true });
      await world.complete();
      const second = wanting(2, ['detect@1.1.0', 'count@1.0.0']);
      register(registry, manifestOf('detect', '1.0.0'), manifestOf('detect', '1.1.0'));
      definitions.put(second);
      world.upload(second);
      await run({ group: 'plant' });
      expect(functionsIn((await world.latest()).components)).toEqual(['count@1.0.0', 'detect@1.1.0']);
      await world.fail(`Service ${DETECT} in broken state after deployment`);
      await run(world.events().at(-1));
      expect(latest()).toMatchObject({
        revision: 3,
        rollbacks: { 'detect@1.1.0': { fallback: '1.0.0', error: { code: 'DEPLOYMENT_FAILED' } } },
      });
      const { components } = await world.latest();
      expect(functionsIn(components)).toEqual(['count@1.0.0', 'detect@1.0.0']);
      expect(revisionIn(components)).toBe(3);
      expect(await world.engine.recorded('plant', 2)).toMatchObject({ state: 'failed' });
      await world.complete();
      await run({ sweep: true });
      expect(await world.engine.recorded('plant', 3)).toMatchObject({ state: 'succeeded' });
      const settled = contentOf(latest() ?? wanting(0, []));
      await run({ sweep: true });
      expect(contentOf(latest() ?? wanting(0, []))).toBe(settled);
    });

    it('goes back to the version before when one breaks that the core has completed', async () => {
      const { definitions, run, latest } = performer(world);
      for (const [revision, detect] of [
        [1, 'detect@1.0.0'],
        [2, 'detect@1.1.0'],
        [3, 'detect@1.1.0'],
      ] as const) {
        const definition = wanting(revision, [detect, 'count@1.0.0']);
        definitions.put(definition);
        world.upload(definition);
        await run({ sweep: true });
        await world.complete();
        await run({ sweep: true });
      }
      const component = await componentOf('detect', '1.1.0');
      await world.breakDown(component, 'run exited with 1');
      await run(world.events().at(-1));
      expect(latest()).toMatchObject({
        revision: 4,
        rollbacks: { 'detect@1.1.0': { fallback: '1.0.0' } },
      });
      expect(functionsIn((await world.latest()).components)).toEqual(['count@1.0.0', 'detect@1.0.0']);
    });

    it.each([['created'], ['found']])(
      'misses no end that comes before the record of the beginning (%s)',
      async (outcome) => {
        const { definitions, run, latest } = performer(world);
        definitions.put(wanting(1, ['detect@1.0.0', 'count@1.0.0']));
        world.upload(wanting(1, ['detect@1.0.0', 'count@1.0.0']));
        const client = world.rig.clientOf(world.credentials);
        let failed = false;
        client.middlewareStack.add(
          (next, context) => async (args) => {
            const answer = await next(args);
            if (context.commandName !== 'CreateDeploymentCommand' || failed) return answer;
            failed = true;
            await world.fail(`Service ${DETECT} in broken state after deployment`);
            await run(world.events().at(-1));
            // As if this performer had crashed: the sweep has nothing but what Greengrass knows.
            if (outcome === 'found') world.records.written.length = 0;
            return answer;
          },
          { step: 'initialize', name: 'slow' },
        );
        await run({ sweep: true }, world.newEngine(client));
        expect(latest()).toMatchObject({ revision: 2, rollbacks: { 'detect@1.0.0': {} } });
        expect(functionsIn((await world.latest()).components)).toEqual(['count@1.0.0']);
        if (outcome === 'created') {
          expect(await world.engine.recorded('plant', 1)).toMatchObject({ state: 'failed' });
        }
      },
    );

    it('delivers the rest at once when a version cannot even be made', async () => {
      const { definitions, requests, run, latest } = performer(world);
      definitions.put(wanting(1, ['detect@1.0.0', 'count@1.0.0']));
      world.upload(wanting(1, ['count@1.0.0']));
      await run({ group: 'plant' });
      expect(latest()).toMatchObject({ revision: 2, rollbacks: { 'detect@1.0.0': {} } });
      expect(functionsIn((await world.latest()).components)).toEqual(['count@1.0.0']);
      expect(requests.stored.size).toBe(0);
    });

    it('takes up on the sweep what waited for its core, and what somebody else dropped', async () => {
      const { definitions, run } = performer(world);
      const { components } = await world.latest();
      await world.deploy({ 'com.example.Mine': { componentVersion: '1.0.0' } });
      definitions.put(wanting(1, ['detect@1.0.0']));
      world.upload(wanting(1, ['detect@1.0.0']));
      await run({ group: 'plant' });
      expect(await world.engine.recorded('plant', 1)).toMatchObject({ state: 'waiting' });
      await world.deploy(components);
      await run({ source: 'aws.events' });
      expect(functionsIn((await world.latest()).components)).toEqual(['detect@1.0.0']);
      await world.deploy(components);
      await run({ source: 'aws.events' });
      expect(functionsIn((await world.latest()).components)).toEqual(['detect@1.0.0']);
    });
  });

  it('does not take the name of one function for that of another', async () => {
    await apply(1, ['detect@1.0.0', 'detect2@1.0.0']);
    await world.fail(`Service ${DETECT}2 in broken state after deployment`);
    expect(Object.keys((await status(1))?.failures ?? {})).toEqual(['detect2@1.0.0']);
  });
});
