import { GreengrassClient } from '@aws-sdk/client-greengrass';
import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { EdgeError, parseJsonWith } from '../../protocol';
import { v1FunctionNamesSchema } from '../../protocol/greengrassV1';
import { jitteredBackoff } from '../stores/backoff';
import { IotCoreMessages } from '../stores/coreMessages';
import { S3DeploymentRecords } from '../stores/deploymentRecords';
import { DirectEngine } from './direct/engine';
import type { DeploymentEngine } from './engine';
import { GreengrassEngine, publishedSystemFunctions } from './greengrassV1';
import { GreengrassV2Engine } from './greengrass/engine';
import type { RevisionNotices } from '../ports';
import { environment } from '../lambda/environment';
import { stateDocuments } from '../lambda/state';
import { systemClock } from '../../lib/clock';

export const coreNotices: RevisionNotices = new IotCoreMessages(
  new IoTDataPlaneClient({}),
  environment('EDGE_CORE_PREFIX'),
);

/** Greengrass allows a few deployments a second per account: the SDK waits as it is told, and slows down. */
const THROTTLED = { retryMode: 'adaptive', maxAttempts: 8 };

const ENGINES: Record<DeploymentEngine['name'], () => DeploymentEngine> = {
  direct: () => new DirectEngine(commonPorts()),
  greengrassv2: () =>
    new GreengrassV2Engine({
      ...commonPorts(),
      client: new GreengrassV2Client(THROTTLED),
      backoff: jitteredBackoff,
      corePrefix: environment('EDGE_CORE_PREFIX'),
      functionsBucket: environment('EDGE_FUNCTIONS_BUCKET'),
      thingArnPrefix: environment('EDGE_THING_ARN_PREFIX'),
    }),
  greengrass: () =>
    new GreengrassEngine(
      {
        ...commonPorts(),
        client: new GreengrassClient(THROTTLED),
        systemFunctions: publishedSystemFunctions(new LambdaClient({}), v1FunctionNames()),
      },
      {
        corePrefix: environment('EDGE_CORE_PREFIX'),
        devicePrefix: environment('EDGE_DEVICE_PREFIX'),
        thingArnPrefix: environment('EDGE_THING_ARN_PREFIX'),
        httpUrl: environment('EDGE_HTTP_URL'),
        logging: { level: 'INFO', spaceKb: 10 * 1024 },
      },
    ),
};

/** Throws EdgeError UNSUPPORTED for a name that is no engine, INTERNAL where its environment is not complete. */
export function createEngine(name: string): DeploymentEngine {
  if (Object.hasOwn(ENGINES, name)) return ENGINES[name as DeploymentEngine['name']]();
  throw new EdgeError('UNSUPPORTED', `no deployment engine "${name}"`, {
    expected: Object.keys(ENGINES).join(', '),
  });
}

function v1FunctionNames() {
  const variable = 'EDGE_GREENGRASS_FUNCTIONS';
  return parseJsonWith(v1FunctionNamesSchema, environment(variable), variable, 'INTERNAL');
}

function commonPorts() {
  return {
    notices: coreNotices,
    records: new S3DeploymentRecords(stateDocuments),
    clock: systemClock,
  };
}
