import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { EdgeError } from '../../protocol';
import { jitteredBackoff } from '../adapters/backoff';
import { IotCoreMessages } from '../adapters/coreMessages';
import { S3DeploymentRecords } from '../adapters/deploymentRecords';
import { S3Definitions } from '../definitions/s3Definitions';
import { S3Requests } from '../definitions/s3Requests';
import { DirectEngine } from '../engines/direct';
import type { DeploymentEngine } from '../engines/engine';
import { performDeployment } from '../performDeployment';
import { environment } from './_environment';
import { eventFunction } from './_events';
import { createLog } from './_log';
import { stateDocuments, systemClock } from './_state';

function createEngine(name: string): DeploymentEngine {
  if (name !== 'direct') throw new EdgeError('UNSUPPORTED', `no deployment engine "${name}"`);
  const notices = new IotCoreMessages(new IoTDataPlaneClient({}), environment('EDGE_CORE_PREFIX'));
  return new DirectEngine({ notices, records: new S3DeploymentRecords(stateDocuments), clock: systemClock });
}

const log = createLog('performDeployment');
const ports = {
  definitions: new S3Definitions(stateDocuments),
  requests: new S3Requests(stateDocuments, log),
  engine: createEngine(environment('EDGE_ENGINE')),
  backoff: jitteredBackoff,
  log,
};

export const handler = eventFunction(log, (event) => performDeployment(event, ports));
