import { DirectEngine } from '../../../../handlers/engines/direct/engine';
import { manifestOf } from '../../fixtures';
import { fixedClock, MemoryCoreMessages, MemoryDeploymentRecords } from '../../memory/messages';
import type { EngineWorld } from '../conformance/engineWorld';

const THING = 'arn:aws:iot:eu-central-1:000000000000:thing/core-1';

export async function directWorld(): Promise<EngineWorld> {
  const records = new MemoryDeploymentRecords();
  const notices = new MemoryCoreMessages();
  return {
    engine: new DirectEngine({ notices, records, clock: fixedClock }),
    records,
    lacking: [
      { delivery: 'components', seq: 1 },
      { delivery: 'hot', targetArn: THING, seq: 1 },
      { delivery: 'hot', targetArn: THING.replace('thing/core-1', 'thinggroup/cores'), seq: 1 },
    ],
    version: (name, version) => manifestOf(name, version),
    async told() {
      // A core takes the highest revision that it ever heard of.
      const revisions = notices.notices.map(({ revision }) => revision);
      return revisions.length === 0 ? {} : { revision: Math.max(...revisions) };
    },
    deployments: async () => notices.notices.length,
    succeed: async () => undefined,
    close: async () => undefined,
  };
}
