import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { clientConfig } from '../../../local/services/iotCore/harness';
import { CORE_COMPONENT, functionsIn, revisionIn, startV2World, wanting, type V2World } from './world';

const MINE = { 'com.example.Mine': { componentVersion: '1.0.0' } };

describe('engine greengrassv2, beside other writers', () => {
  let world: V2World;
  beforeEach(async () => {
    world = await startV2World();
    await world.initialise();
  });
  afterEach(() => world.close());

  /** The engine's client, with something happening around its call of CreateDeployment. */
  function clientWith(around: { before?(): Promise<void>; after?(): Promise<void> }): GreengrassV2Client {
    const client = world.rig.clientOf(world.credentials);
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName !== 'CreateDeploymentCommand') return next(args);
        await around.before?.();
        const answer = await next(args);
        await around.after?.();
        return answer;
      },
      { step: 'initialize', name: 'around' },
    );
    return client;
  }

  function once(act: () => Promise<unknown>): () => Promise<void> {
    let done = false;
    return async () => {
      if (done) return;
      done = true;
      await act();
    };
  }

  async function apply(client: GreengrassV2Client, revision = 1) {
    const definition = wanting(revision, ['detect@1.0.0']);
    world.upload(definition);
    return world.newEngine(client).apply(definition);
  }

  it('keeps what somebody deployed between its reading and its writing', async () => {
    const before = once(async () => world.deploy({ ...(await world.latest()).components, ...MINE }));
    const deployment = await apply(clientWith({ before }));
    const { id, components } = await world.latest();
    expect(components).toMatchObject(MINE);
    expect(functionsIn(components)).toEqual(['detect@1.0.0']);
    expect(revisionIn(components)).toBe(1);
    expect(deployment.engineId).toBe(id);
  });

  it('takes away again what somebody removed between its reading and its writing', async () => {
    const { components } = await world.latest();
    await world.deploy({ ...components, ...MINE });
    await apply(clientWith({ before: once(() => world.deploy(components)) }));
    expect(Object.keys((await world.latest()).components)).not.toContain('com.example.Mine');
    expect(functionsIn((await world.latest()).components)).toEqual(['detect@1.0.0']);
  });

  it('comes back when somebody who did not know of it deployed after it', async () => {
    const { components } = await world.latest();
    const after = once(() => world.deploy({ ...components, ...MINE }));
    const deployment = await apply(clientWith({ after }));
    const now = await world.latest();
    expect(now.components).toMatchObject(MINE);
    expect(functionsIn(now.components)).toEqual(['detect@1.0.0']);
    expect(deployment).toMatchObject({ state: 'inProgress', engineId: now.id });
  });

  it('leaves a deployment in force that somebody made from its own', async () => {
    const after = once(async () => world.deploy({ ...(await world.latest()).components, ...MINE }));
    const deployment = await apply(clientWith({ after }));
    expect(await world.deployments()).toBe(3);
    expect(deployment.engineId).toBe((await world.latest()).id);
  });

  it('leaves another performer alone that deployed a higher revision meanwhile', async () => {
    const after = once(() => world.newEngine().apply(wanting(9, [])));
    expect(await apply(clientWith({ after }))).toMatchObject({ state: 'superseded' });
    expect(revisionIn((await world.latest()).components)).toBe(9);
  });

  it('gives up for now when somebody deploys again and again', async () => {
    const { components } = await world.latest();
    let n = 0;
    const after = async (): Promise<void> => {
      n += 1;
      await world.deploy({ ...components, [`com.example.N${n}`]: { componentVersion: '1.0.0' } });
    };
    await expect(apply(clientWith({ after }))).rejects.toMatchObject({ code: 'CONFLICT', retryable: true });
    expect(n).toBeLessThan(20);
  });

  it('makes one deployment when two performers apply the same revision at once', async () => {
    let arrived = 0;
    let open: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (open = resolve));
    const before = async (): Promise<void> => {
      arrived += 1;
      if (arrived === 2) open();
      await both;
    };
    const [one, two] = await Promise.all([apply(clientWith({ before })), apply(clientWith({ before }))]);
    expect(arrived).toBe(2);
    expect(one.engineId).toBe(two.engineId);
    expect(await world.deployments()).toBe(2);
  });

  it('makes a version that had failed once more, when two performers are about to', async () => {
    expect(await world.newEngine().apply(wanting(1, ['detect@1.0.0']))).toMatchObject({ state: 'failed' });
    let arrived = 0;
    let open: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (open = resolve));
    const meeting = (): GreengrassV2Client => {
      const client = world.rig.clientOf(world.credentials);
      client.middlewareStack.add(
        (next, context) => async (args) => {
          if (context.commandName !== 'DeleteComponentCommand') return next(args);
          arrived += 1;
          if (arrived === 2) open();
          await both;
          return next(args);
        },
        { step: 'initialize', name: 'meeting' },
      );
      return client;
    };
    const [one, two] = await Promise.all([apply(meeting(), 2), apply(meeting(), 2)]);
    expect(arrived).toBe(2);
    expect([one.state, two.state]).toEqual(['inProgress', 'inProgress']);
    expect(functionsIn((await world.latest()).components)).toEqual(['detect@1.0.0']);
  });

  it('makes one deployment when the answer was lost and the SDK asks again', async () => {
    const client = retrying();
    let lost = false;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (lost || context.commandName !== 'CreateDeploymentCommand') return answer;
        lost = true;
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $retryable: {} });
      },
      { step: 'deserialize', name: 'lost', priority: 'high' },
    );
    const deployment = await apply(client);
    client.destroy();
    expect(lost).toBe(true);
    expect(await world.deployments()).toBe(2);
    expect(deployment.engineId).toBe((await world.latest()).id);
  });

  it('waits out a service that throttles it', async () => {
    const client = retrying();
    let refused = 0;
    world.rig.throttled.add('CreateDeployment');
    client.middlewareStack.add(
      (next, context) => async (args) => {
        try {
          return await next(args);
        } catch (error) {
          refused += 1;
          if (context.commandName === 'CreateDeploymentCommand' && refused === 2) world.rig.throttled.clear();
          throw error;
        }
      },
      { step: 'deserialize', name: 'refused', priority: 'high' },
    );
    expect(await apply(client)).toMatchObject({ state: 'inProgress' });
    client.destroy();
    expect(refused).toBe(2);
    expect(await world.deployments()).toBe(2);
  });

  /** As in the Lambda function. */
  function retrying(): GreengrassV2Client {
    const config = clientConfig(world.url, world.credentials);
    return new GreengrassV2Client({ ...config, retryMode: 'adaptive', maxAttempts: 8 });
  }

  it('has the core component in the map at its version, whoever raised it', async () => {
    const { components } = await world.latest();
    const raised = { ...components[CORE_COMPONENT], componentVersion: '0.2.0' };
    await apply(clientWith({ before: once(() => world.deploy({ [CORE_COMPONENT]: raised })) }));
    expect((await world.latest()).components[CORE_COMPONENT]?.componentVersion).toBe('0.2.0');
  });
});
