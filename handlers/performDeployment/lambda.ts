import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { systemClock } from '../../lib/clock';
import { engineNamed } from '../engines/engines';
import { environment } from '../lambda/environment';
import { eventFunction } from '../lambda/events';
import { createLog } from '../lambda/log';
import { stateDocuments } from '../lambda/state';
import { jitteredBackoff } from '../stores/backoff';
import { IotCoreMessages } from '../stores/coreMessages';
import { S3DeploymentRecords } from '../stores/deploymentRecords';
import { S3Definitions } from '../stores/s3Definitions';
import { S3Registry } from '../stores/s3Registry';
import { S3Requests } from '../stores/s3Requests';
import { performDeployment } from './performDeployment';

const log = createLog('performDeployment');
const notices = new IotCoreMessages(new IoTDataPlaneClient({}), environment('EDGE_CORE_PREFIX'));
/** Opened while Lambda starts the process, not at the first event. */
const engine = engineNamed(environment('EDGE_ENGINE')).open({
  notices,
  records: new S3DeploymentRecords(stateDocuments),
  clock: systemClock,
});
const ports = {
  definitions: new S3Definitions(stateDocuments),
  requests: new S3Requests(stateDocuments, log),
  registry: new S3Registry(stateDocuments),
  notices,
  clock: systemClock,
  backoff: jitteredBackoff,
  log,
};

export const handler = eventFunction(log, async (event) =>
  performDeployment(event, { ...ports, engine: await engine }),
);
