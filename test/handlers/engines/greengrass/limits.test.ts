import { startV2World, TARGET, wanting, type V2World } from './world';

describe('engine greengrassv2, limits', () => {
  let world: V2World;
  beforeEach(async () => {
    world = await startV2World();
  });
  afterEach(() => world.close());

  it('does not ask Greengrass for a deployment over its limit, and names target and limit', async () => {
    const half = JSON.stringify({ table: 'x'.repeat(5_250_000) });
    const large = { componentVersion: '1.0.0', configurationUpdate: { merge: half } };
    await world.initialise(TARGET, { 'com.example.One': large, 'com.example.Two': large });
    const before = await world.deployments();
    const definition = wanting(1, ['detect@1.0.0']);
    world.upload(definition);
    expect(await world.engine.apply(definition)).toMatchObject({
      state: 'failed',
      error: {
        code: 'DEPLOYMENT_FAILED',
        message: expect.stringContaining(TARGET) as string,
        expected: 'at most 10485760 bytes',
      },
    });
    expect(await world.deployments()).toBe(before);
  });
});
