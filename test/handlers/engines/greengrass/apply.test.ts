import { CreateComponentVersionCommand, GetDeploymentCommand } from '@aws-sdk/client-greengrassv2';
import { AddThingToThingGroupCommand, CreateThingGroupCommand } from '@aws-sdk/client-iot';
import { functionComponentName, type GroupDefinition } from '../../../../protocol';
import { recipeOf } from '../../../local/services/greengrass/rig';
import { CORE, manifestOf } from '../../fixtures';
import {
  CORE_COMPONENT,
  functionsIn,
  HOST,
  PREFIX,
  revisionIn,
  startV2World,
  TARGET,
  wanting,
  type V2World,
} from './world';

const DETECT = functionComponentName(PREFIX, 'detect');
const COUNT = functionComponentName(PREFIX, 'count');

describe('engine greengrassv2, apply', () => {
  let world: V2World;
  beforeEach(async () => {
    world = await startV2World();
  });
  afterEach(() => world.close());

  async function apply(definition: GroupDefinition) {
    world.upload(definition);
    return world.engine.apply(definition);
  }

  it('hot: tells the core component of the revision and the delivery, changes nothing else, and tells the core at once', async () => {
    const cli = { componentVersion: '2.13.0', configurationUpdate: { merge: '{"a":1}', reset: ['/b'] } };
    await world.initialise(TARGET, { 'aws.greengrass.Cli': cli }, { listen: { port: 8883 } });
    const before = await world.latest();
    const deployment = await apply(wanting(7, ['detect@1.0.0'], { engine: { delivery: 'hot', seq: 1 } }));
    const after = await world.latest();
    expect(deployment).toMatchObject({
      state: 'inProgress',
      engineId: after.id,
      targetArn: TARGET,
      core: CORE,
    });
    expect(after.name).toBe('edge/shop-dev plant revision 7');
    expect(after.components['aws.greengrass.Cli']).toEqual(before.components['aws.greengrass.Cli']);
    expect(Object.keys(after.components).sort()).toEqual(Object.keys(before.components).sort());
    expect(JSON.parse(after.components[CORE_COMPONENT]?.configurationUpdate?.merge ?? '')).toEqual({
      group: 'plant',
      host: HOST,
      listen: { port: 8883 },
      delivery: 'hot',
      revision: 7,
    });
    expect(world.messages.notices).toEqual([{ core: CORE, group: 'plant', revision: 7 }]);
  });

  it('lets no component put the deployment off, and a core that fails go back to what it ran', async () => {
    await world.initialise();
    const { engineId } = await apply(wanting(1, ['detect@1.0.0']));
    const { deploymentPolicies } = await world.rig.client.send(
      new GetDeploymentCommand({ deploymentId: engineId }),
    );
    expect(deploymentPolicies).toMatchObject({
      failureHandlingPolicy: 'ROLLBACK',
      componentUpdatePolicy: { action: 'SKIP_NOTIFY_COMPONENTS' },
    });
  });

  it('components: makes each function version once, deploys them beside what is there, and sends no notice', async () => {
    await world.initialise(TARGET, { 'com.example.Mine': { componentVersion: '3.0.0' } });
    await apply(wanting(1, ['detect@1.0.0', 'count@2.1.0']));
    const { components } = await world.latest();
    expect(Object.keys(components).sort()).toEqual(
      ['com.example.Mine', CORE_COMPONENT, COUNT, DETECT].sort(),
    );
    expect(components[DETECT]).toEqual({
      componentVersion: '1.0.0',
      runWith: { systemResourceLimits: { memory: (3 * 128 + 128) * 1024 } },
    });
    expect(revisionIn(components)).toBe(1);
    expect(world.messages.notices).toEqual([]);
  });

  it('removes the function components that nobody wants any more, and nothing of anybody else', async () => {
    await world.initialise(TARGET, { 'com.example.Mine': { componentVersion: '3.0.0' } });
    await apply(wanting(1, ['detect@1.0.0', 'count@1.0.0']));
    await apply(wanting(2, ['count@1.0.0']));
    expect(functionsIn((await world.latest()).components)).toEqual(['count@1.0.0']);
    await apply(wanting(3, ['count@1.0.0'], { engine: { delivery: 'hot', seq: 2 } }));
    expect(Object.keys((await world.latest()).components).sort()).toEqual(
      ['com.example.Mine', CORE_COMPONENT].sort(),
    );
  });

  it('keeps what somebody else named like a function, and names both where a function needs that version', async () => {
    const recipe = Buffer.from(JSON.stringify(recipeOf(DETECT, '9.0.0')));
    await world.rig.client.send(new CreateComponentVersionCommand({ inlineRecipe: recipe }));
    const theirs = { [DETECT]: { componentVersion: '9.0.0', configurationUpdate: { merge: '{"a":1}' } } };
    await world.initialise(TARGET, theirs);
    await apply(wanting(1, ['detect@1.0.0']));
    const { components } = await world.latest();
    expect(components).toMatchObject(theirs);
    expect(functionsIn(components)).toEqual(['detect@1.0.0', 'detect@9.0.0']);
    await apply(wanting(2, [], { engine: { delivery: 'hot', seq: 2 } }));
    expect(functionsIn((await world.latest()).components)).toEqual(['detect@9.0.0']);
    const clash = await apply(wanting(3, ['detect@9.0.0'], { engine: { delivery: 'components', seq: 3 } }));
    expect(clash.failures?.['detect@9.0.0']?.error).toMatchObject({
      code: 'VERSION_CONFLICT',
      message: expect.stringMatching(/fn\.detect 9\.0\.0 .* not make, the group wants package/),
    });
    expect((await world.latest()).components).toMatchObject(theirs);
  });

  it('runs versions of a function side by side, and puts none in the place of another', async () => {
    await world.initialise();
    const wants = (revision: number, versions: string[]): GroupDefinition =>
      wanting(revision, [], {
        devices: Object.fromEntries(
          versions.map((_, n) => [
            `camera-${n}`,
            { certificateId: String(n).repeat(64), source: 'operator', seq: 1 },
          ]),
        ),
        claims: Object.fromEntries(versions.map((version, n) => [`camera-${n}/detect`, { version, seq: 1 }])),
        functions: Object.fromEntries(versions.map((each) => [`detect@${each}`, manifestOf('detect', each)])),
      });
    await apply(wants(1, ['2.0.0']));
    await apply(wants(2, ['2.0.0', '1.0.0']));
    const two = (await world.latest()).components;
    expect(functionsIn(two)).toEqual(['detect@1.0.0', 'detect@2.0.0']);
    expect(two[DETECT]?.componentVersion).toBe('2.0.0');
    await apply(wants(3, ['1.0.0', '3.0.0']));
    const three = (await world.latest()).components;
    expect(functionsIn(three)).toEqual(['detect@1.0.0', 'detect@3.0.0']);
    expect(three[`${DETECT}.v1.0.0`]).toEqual(two[`${DETECT}.v1.0.0`]);
    expect(three[DETECT]).toBeUndefined();
    await apply(wants(4, ['4.0.0']));
    const four = (await world.latest()).components;
    expect(functionsIn(four)).toEqual(['detect@4.0.0']);
    expect(four[DETECT]?.componentVersion).toBe('4.0.0');
  });

  it('makes no second deployment of the same revision, even when its record was lost', async () => {
    await world.initialise();
    const first = await apply(wanting(1, ['detect@1.0.0']));
    world.records.written.length = 0;
    const again = await apply(wanting(1, ['detect@1.0.0']));
    expect(again.engineId).toBe(first.engineId);
    expect(await world.deployments()).toBe(2);
  });

  it('marks the deployment that it replaced as superseded', async () => {
    await world.initialise();
    await apply(wanting(1, ['detect@1.0.0']));
    await apply(wanting(2, []));
    expect(await world.engine.recorded('plant', 1)).toMatchObject({ state: 'superseded' });
    expect(await world.engine.recorded('plant', 2)).toMatchObject({ state: 'inProgress' });
  });

  it('leaves a target alone that has a newer revision', async () => {
    await world.initialise();
    const newer = await apply(wanting(5, []));
    expect(await apply(wanting(4, []))).toMatchObject({ state: 'superseded', engineId: newer.engineId });
    expect(revisionIn((await world.latest()).components)).toBe(5);
  });

  it('waits for a core that has no component yet, and says what to do', async () => {
    expect(await apply(wanting(1, []))).toMatchObject({
      state: 'waiting',
      error: { message: expect.stringContaining(CORE_COMPONENT) },
    });
    await world.deploy({ 'com.example.Mine': { componentVersion: '3.0.0' } });
    expect(await apply(wanting(1, []))).toMatchObject({ state: 'waiting' });
    const { core: _core, ...coreless } = wanting(1, []);
    expect(await world.engine.apply(coreless)).toMatchObject({ state: 'waiting' });
    expect(await world.deployments()).toBe(1);
  });

  it('refuses a target that belongs to another group, naming both', async () => {
    await world.initialise(TARGET, {}, { group: 'lab' });
    expect(await apply(wanting(1, []))).toMatchObject({
      state: 'failed',
      error: { code: 'DEPLOYMENT_FAILED', details: { groups: ['lab', 'plant'] } },
    });
  });

  it('deploys to a thing group where the group says so', async () => {
    const thingGroup = await world.rig.test.iot
      .send(new CreateThingGroupCommand({ thingGroupName: 'plant-cores' }))
      .then(({ thingGroupArn }) => thingGroupArn ?? '');
    await world.rig.test.iot.send(
      new AddThingToThingGroupCommand({ thingGroupName: 'plant-cores', thingName: CORE }),
    );
    await world.initialise(thingGroup);
    const engine = { delivery: 'components' as const, targetArn: thingGroup, seq: 1 };
    const deployment = await apply(wanting(1, ['detect@1.0.0'], { engine }));
    expect(deployment).toMatchObject({ state: 'inProgress', targetArn: thingGroup });
    await world.complete();
    expect(await world.engine.status('plant', 1)).toMatchObject({ state: 'succeeded' });
  });

  describe('function versions', () => {
    it('with the number of another package fail, naming both; what works is said to run', async () => {
      await world.initialise();
      await apply(wanting(1, ['detect@1.0.0', 'count@1.0.0']));
      await world.complete();
      const other = manifestOf('detect', '1.1.0', { digest: 'b'.repeat(64) });
      world.upload(wanting(2, ['detect@1.1.0']));
      await apply(wanting(2, ['detect@1.1.0', 'count@1.0.0']));
      await apply(wanting(3, ['detect@1.0.0', 'count@1.0.0']));
      const clash = wanting(4, ['detect@1.1.0', 'count@1.0.0']);
      const result = await world.newEngine().apply({
        ...clash,
        functions: { ...clash.functions, 'detect@1.1.0': other },
      });
      expect(result).toMatchObject({
        state: 'failed',
        failures: {
          'detect@1.1.0': {
            error: {
              code: 'VERSION_CONFLICT',
              details: { found: manifestOf('detect', '1.1.0').digest, wanted: other.digest },
            },
            running: '1.0.0',
          },
        },
      });
      expect(Object.keys(result.failures ?? {})).toEqual(['detect@1.1.0']);
      expect(revisionIn((await world.latest()).components)).toBe(3);
    });

    it('without a package fail with the reason of Greengrass, and are made anew once it is there', async () => {
      await world.initialise();
      const definition = wanting(1, ['detect@1.0.0']);
      const failed = await world.engine.apply(definition);
      expect(failed).toMatchObject({
        state: 'failed',
        failures: { 'detect@1.0.0': { error: { code: 'DEPLOYMENT_FAILED' } } },
      });
      expect(JSON.stringify(failed.error)).toContain(`packages/${manifestOf('detect', '1.0.0').digest}.zip`);
      expect(await apply({ ...definition, revision: 2 })).toMatchObject({ state: 'inProgress' });
    });

    it('wait for a core that knows a host for them', async () => {
      await world.initialise(TARGET, {}, { host: undefined });
      expect(await apply(wanting(1, ['detect@1.0.0']))).toMatchObject({
        state: 'waiting',
        error: { message: expect.stringContaining('core init') },
      });
    });
  });

  it('tries later when Greengrass throttles it', async () => {
    await world.initialise();
    world.rig.throttled.add('CreateDeployment');
    await expect(apply(wanting(1, []))).rejects.toMatchObject({
      code: 'CLOUD_ERROR',
      retryable: true,
      details: { name: 'ThrottlingException' },
    });
    world.rig.throttled.clear();
    expect(await apply(wanting(1, []))).toMatchObject({ state: 'inProgress' });
  });
});
