import { rollbacksInForce } from '../../../../protocol';
import { CORE, plant } from '../../fixtures';
import type { EngineWorld } from './engineWorld';
import { TestGroup } from './group';

/** What every deployment engine keeps, whatever it deploys through. */
export function engineConformance(start: () => Promise<EngineWorld>): void {
  let world: EngineWorld;
  let group: TestGroup;
  beforeEach(async () => {
    world = await start();
    group = new TestGroup(world);
  });
  afterEach(() => world.close());

  const state = async (revision: number) => (await world.engine.recorded('plant', revision))?.state;
  const end = () => (world.engine.capabilities.follows ? 'succeeded' : 'announced');

  describe('apply', () => {
    it('brings the functions of a revision to the edge', async () => {
      await group.preload(group.version('detect', '1.0.0'), group.version('count', '2.1.0'));
      await group.perform();
      await group.settle();
      expect(await group.delivered()).toEqual({ revision: 2, functions: ['count@2.1.0', 'detect@1.0.0'] });
    });

    it('brings the next revision: what is not wanted any more is gone, the rest stays', async () => {
      const [detect, count] = [group.version('detect', '1.0.0'), group.version('count', '1.0.0')];
      await group.preload(detect, count);
      await group.perform();
      await group.settle();
      await group.preload(group.version('detect', '1.1.0'));
      await group.perform();
      await group.settle();
      expect((await group.delivered()).functions).toEqual(['count@1.0.0', 'detect@1.1.0']);
    });

    it('brings a revision that changes no function', async () => {
      await group.addDevice('camera-9');
      await group.perform();
      await group.settle();
      expect(await group.delivered()).toEqual({ revision: 2, functions: [] });
    });
  });

  describe('apply again', () => {
    it('of the same revision makes no second deployment', async () => {
      await group.preload(group.version('detect', '1.0.0'));
      await group.perform();
      const { engineId } = (await world.engine.recorded('plant', 2)) ?? {};
      const made = await world.deployments();
      const again = await world.engine.apply(group.latest);
      expect(again.engineId).toBe(engineId);
      // Without a service there are only notices, and each says the same.
      if (engineId !== undefined) expect(await world.deployments()).toBe(made);
      expect(again).toMatchObject({ group: 'plant', revision: 2 });
      expect(await state(2)).toBe(again.state);
      await group.settle();
      expect((await group.delivered()).revision).toBe(2);
    });

    it('after the record was lost finds what is there', async () => {
      await group.preload(group.version('detect', '1.0.0'));
      await group.perform();
      const before = await world.engine.recorded('plant', 2);
      world.records.written.length = 0;
      await group.sweep();
      await group.perform();
      expect((await world.engine.recorded('plant', 2))?.engineId).toBe(before?.engineId);
      await group.settle();
      expect((await group.delivered()).functions).toEqual(['detect@1.0.0']);
    });
  });

  describe('concurrently', () => {
    it('ends with the last revision and loses no function, whoever performs', async () => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f'];
      const manifests = names.map((name) => group.version(name, '1.0.0'));
      await Promise.allSettled(
        manifests.map(async (manifest, n) => {
          await group.claim(`camera-${n + 10}`, manifest);
          await group.perform();
        }),
      );
      await group.sweep();
      await group.settle();
      expect(await group.delivered()).toEqual({
        revision: group.revision,
        functions: names.map((name) => `${name}@1.0.0`),
      });
      expect(group.requests.stored.size).toBe(0);
    });

    it('lets no older revision win over a newer one', async () => {
      await group.preload(group.version('detect', '1.0.0'));
      await group.perform();
      const older = group.latest;
      await group.preload(group.version('count', '1.0.0'));
      await group.perform();
      await Promise.allSettled([world.engine.apply(older), group.perform()]);
      await group.sweep();
      await group.settle();
      expect(await group.delivered()).toEqual({
        revision: group.revision,
        functions: ['count@1.0.0', 'detect@1.0.0'],
      });
    });
  });

  describe('status', () => {
    it('goes from begun to its end, and the record with it', async () => {
      await group.preload(group.version('detect', '1.0.0'));
      await group.perform();
      const begun = world.engine.capabilities.follows ? 'inProgress' : 'announced';
      expect(await world.engine.status('plant', 2)).toMatchObject({
        group: 'plant',
        revision: 2,
        state: begun,
      });
      await world.succeed();
      await group.sweep();
      expect(await state(2)).toBe(end());
    });

    it('is unknown for what was never applied', async () => {
      expect(await world.engine.status('plant', 77)).toBeUndefined();
    });

    it('comes with the event of the service, where there is one', async () => {
      await group.preload(group.version('detect', '1.0.0'));
      await group.perform();
      await world.succeed();
      const event = world.event?.();
      if (event !== undefined) await group.perform(event);
      expect(await state(2)).toBe(end());
    });
  });

  describe('a version that does not run', () => {
    it('is rolled back by a higher revision, and harms no other function', async () => {
      await group.preload(group.version('count', '1.0.0'));
      await group.perform();
      await group.settle();
      const detect = group.version('detect', '1.0.0');
      await group.claim('camera-9', detect);
      await group.perform();
      const tried = group.revision;
      await group.failed(detect);
      expect(group.revision).toBeGreaterThan(tried);
      expect(rollbacksInForce(group.latest)).toMatchObject([
        {
          function: 'detect',
          version: '1.0.0',
          devices: ['camera-9'],
          error: { message: expect.any(String) },
        },
      ]);
      await group.settle();
      expect((await group.delivered()).functions).toEqual(['count@1.0.0']);
    });

    it('fails alone: what came to the edge with it stays, and its own device has the reason', async () => {
      const [detect, count] = [group.version('detect', '1.0.0'), group.version('count', '1.0.0')];
      await group.claim('camera-8', count);
      await group.claim('camera-9', detect);
      await group.perform();
      await group.failed(detect);
      await group.settle();
      expect(await group.delivered()).toEqual({ revision: group.revision, functions: ['count@1.0.0'] });
      expect(rollbacksInForce(group.latest)).toMatchObject([{ function: 'detect', devices: ['camera-9'] }]);
    });

    it('leaves the last good version in its place', async () => {
      const [one, two] = [group.version('detect', '1.0.0'), group.version('detect', '2.0.0')];
      await group.claim('camera-9', one);
      await group.perform();
      await group.settle();
      await group.claim('camera-9', two);
      await group.perform();
      await group.failed(two, '1.0.0');
      await group.settle();
      expect(await group.delivered()).toEqual({ revision: group.revision, functions: ['detect@1.0.0'] });
      const settled = group.revision;
      await group.sweep();
      await group.perform();
      expect(group.revision).toBe(settled);
    });

    it('is tried again when a device asks for it anew', async () => {
      const detect = group.version('detect', '1.0.0');
      await group.claim('camera-9', detect);
      await group.perform();
      await group.failed(detect);
      await group.settle();
      expect((await group.delivered()).functions).toEqual([]);
      await group.claim('camera-9', detect);
      await group.perform();
      await group.settle();
      expect((await group.delivered()).functions).toEqual(['detect@1.0.0']);
    });
  });

  it('that fails for a reason of no function is told to the core, and made again later', async () => {
    if (world.failOtherwise === undefined) return;
    await group.claim('camera-9', group.version('detect', '1.0.0'));
    await group.perform();
    await world.failOtherwise();
    await group.perform(world.event?.());
    const { error } = (await world.engine.recorded('plant', 2)) ?? {};
    expect(error).toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    const told = { code: error?.code, message: error?.message };
    expect(group.notices.notices).toEqual([{ core: CORE, group: 'plant', revision: 2, error: told }]);
    const made = await world.deployments();
    await group.sweep();
    expect(await world.deployments()).toBe(made);
    group.clock.pass(60_000);
    await group.sweep();
    expect(await world.deployments()).toBe(made + 1);
    await group.settle();
    expect(await group.delivered()).toEqual({ revision: 2, functions: ['detect@1.0.0'] });
    expect(rollbacksInForce(group.latest)).toEqual([]);
  });

  it('a redeploy keeps the functions that devices brought in', async () => {
    await group.claim('camera-9', group.version('detect', '1.0.0'));
    await group.perform();
    await group.settle();
    await group.preload(group.version('count', '1.0.0'));
    await group.perform();
    await group.settle();
    expect((await group.delivered()).functions).toEqual(['count@1.0.0', 'detect@1.0.0']);
  });

  describe('capabilities', () => {
    it('that it lacks are refused with a code, and nothing is deployed', async () => {
      for (const engine of world.lacking) {
        const made = await world.deployments();
        expect(await world.engine.apply(plant({ revision: 50, engine }))).toMatchObject({
          state: 'failed',
          error: { code: 'UNSUPPORTED', field: expect.stringMatching(/^engine\./) },
        });
        expect(await world.deployments()).toBe(made);
        expect(await state(50)).toBe('failed');
      }
    });

    it('are all that there is: each delivery and target is declared or refused', () => {
      const { deliveries, targets } = world.engine.capabilities;
      const refused = world.lacking.flatMap(({ delivery, targetArn }) =>
        targetArn === undefined ? [delivery] : [targetArn.includes(':thinggroup/') ? 'thingGroup' : 'core'],
      );
      // Whoever takes no delivery takes no options at all, and so no target.
      const all = ['components', 'hot', ...(deliveries.length === 0 ? [] : ['core', 'thingGroup'])];
      expect([...deliveries, ...targets, ...refused].sort()).toEqual(all.sort());
    });

    it('cancel: ends a deployment in flight, or is refused with a code', async () => {
      await group.preload(group.version('detect', '1.0.0'));
      await group.perform();
      const cancelled = world.engine.cancel('plant', 2);
      if (world.engine.capabilities.cancel) {
        expect(await cancelled).toMatchObject({ state: 'failed', error: { code: 'ABORTED' } });
        return;
      }
      await expect(cancelled).rejects.toMatchObject({ code: 'UNSUPPORTED' });
      expect(await state(2)).not.toBe('failed');
    });
  });
}
