import { jitteredBackoff } from '../adapters/backoff';
import { S3Definitions } from '../definitions/s3Definitions';
import { S3Requests } from '../definitions/s3Requests';
import { performDeployment } from '../performDeployment';
import { S3Registry } from '../registry/s3Registry';
import { coreNotices, createEngine } from './_engine';
import { environment } from './_environment';
import { eventFunction } from './_events';
import { createLog } from './_log';
import { stateDocuments, systemClock } from './_state';

const log = createLog('performDeployment');
const ports = {
  definitions: new S3Definitions(stateDocuments),
  requests: new S3Requests(stateDocuments, log),
  registry: new S3Registry(stateDocuments),
  engine: createEngine(environment('EDGE_ENGINE')),
  notices: coreNotices,
  clock: systemClock,
  backoff: jitteredBackoff,
  log,
};

export const handler = eventFunction(log, (event) => performDeployment(event, ports));
