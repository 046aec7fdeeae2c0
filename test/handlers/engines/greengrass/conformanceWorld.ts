import { functionComponentName, keys, type Delivery } from '../../../../protocol';
import { manifestOf } from '../../fixtures';
import { BUCKET, functionsIn, PREFIX, revisionIn, startV2World } from './world';
import type { EngineWorld } from '../conformance/engineWorld';

export async function greengrassV2World(delivery: Delivery): Promise<EngineWorld> {
  const world = await startV2World();
  await world.initialise();
  await world.complete();
  const { engine, records } = world;
  const components = delivery === 'components';
  return {
    engine,
    records,
    options: { delivery, seq: 1 },
    lacking: [],
    version(name, version) {
      const manifest = manifestOf(name, version);
      world.rig.objects.set(`${BUCKET}/${keys.package(manifest.digest)}`, Buffer.from(name));
      return manifest;
    },
    async told() {
      const { components: map } = await world.latest();
      const revision = Number(revisionIn(map));
      return { revision, ...(components && { functions: functionsIn(map) }) };
    },
    deployments: () => world.deployments(),
    succeed: () => world.complete(),
    ...(components && {
      async fail({ name }) {
        await world.fail(`Service ${functionComponentName(PREFIX, name)} in broken state after deployment`);
      },
    }),
    failOtherwise: () =>
      world.fail('FAILED_NO_STATE_CHANGE: no space left', ['DEPLOYMENT_FAILURE'], ['DEVICE_ERROR']),
    event: () => world.events().at(-1),
    close: () => world.close(),
  };
}
