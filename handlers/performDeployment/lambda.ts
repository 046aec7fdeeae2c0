import { jitteredBackoff } from '../stores/backoff';
import { S3Definitions } from '../stores/s3Definitions';
import { S3Requests } from '../stores/s3Requests';
import { performDeployment } from './performDeployment';
import { S3Registry } from '../stores/s3Registry';
import { coreNotices, createEngine } from '../engines/engines';
import { environment } from '../lambda/environment';
import { eventFunction } from '../lambda/events';
import { createLog } from '../lambda/log';
import { stateDocuments } from '../lambda/state';
import { systemClock } from '../../lib/clock';

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
