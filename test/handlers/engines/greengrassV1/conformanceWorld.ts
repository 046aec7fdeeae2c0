import type { Function as V1Function } from '@aws-sdk/client-greengrass';
import { startV1 } from '../../../local/services/greengrassV1/harness';
import { keyOfEntry } from '../../../../handlers/engines/greengrassV1/functions';
import { arnOf, engineOn, published } from './support';
import type { EngineWorld } from '../conformance/engineWorld';

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
      // What the core got, not what the group has: a version of the group may never have been deployed.
      const { Functions = [] } = v1.deliveries.at(-1)?.definitions.FunctionDefinitionVersionArn ?? {};
      const functions = (Functions as V1Function[]).flatMap((entry) => keyOfEntry(entry) ?? []).sort();
      return { revision: Math.max(...messages.notices.map((notice) => notice.revision)), functions };
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
    async failOtherwise() {
      v1.step();
      v1.report({ status: 'Failure', errorMessage: 'The security token included is invalid' });
    },
    event: () => v1.events.at(-1),
    close: () => v1.close(),
  };
}
