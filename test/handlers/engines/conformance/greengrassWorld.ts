import { startV1 } from '../../../local/greengrass/v1/harness';
import { keyOfEntry } from '../../../../handlers/engines/greengrass/functions';
import { arnOf, engineOn, published, readFunctions, readGroup } from '../greengrass/support';
import type { EngineWorld } from './engineWorld';

export async function greengrassWorld(): Promise<EngineWorld> {
  const v1 = await startV1();
  const { engine, records, messages } = engineOn(v1.client);
  let qualifier = 0;
  return {
    engine,
    records,
    lacking: [
      { delivery: 'hot', seq: 1 },
      { delivery: 'components', seq: 1 },
    ],
    version: (name, version) => published(name, version, String(++qualifier)),
    async told() {
      const entries = await readFunctions(v1.client, await readGroup(v1.client));
      const revision = Math.max(...messages.notices.map((notice) => notice.revision));
      return { revision, functions: entries.flatMap((entry) => keyOfEntry(entry) ?? []).sort() };
    },
    deployments: async () => v1.requests.filter((operation) => operation === 'CreateDeployment').length,
    async succeed() {
      v1.step();
      v1.report({ status: 'Success' });
    },
    async fail(manifest) {
      v1.step();
      v1.report({ status: 'Failure', errorMessage: `The function ${arnOf(manifest)} could not be loaded` });
    },
    event: () => v1.events.at(-1),
    close: () => v1.close(),
  };
}
