import { LambdaClient } from '@aws-sdk/client-lambda';
import { jitteredBackoff } from '../stores/backoff';
import { LambdaPublisher } from './cloudPublisher';
import { S3Uploads } from '../stores/uploads';
import { createFunction } from './createFunction';
import { S3Registry } from '../stores/s3Registry';
import { engineNamed } from '../engines/engines';
import { environment } from '../lambda/environment';
import { eventFunction } from '../lambda/events';
import { createLog } from '../lambda/log';
import { s3, stateDocuments } from '../lambda/state';
import { systemClock } from '../../lib/clock';

const log = createLog('createFunction');
const publisherSettings = {
  prefix: environment('EDGE_CLOUD_FUNCTION_PREFIX'),
  roleArn: environment('EDGE_CLOUD_FUNCTION_ROLE_ARN'),
  logGroup: environment('EDGE_CLOUD_FUNCTION_LOG_GROUP'),
};
const ports = {
  uploads: new S3Uploads(s3, environment('EDGE_FUNCTIONS_BUCKET')),
  registry: new S3Registry(stateDocuments),
  cloud: new LambdaPublisher(new LambdaClient({}), publisherSettings, jitteredBackoff),
  publishesAll: engineNamed(environment('EDGE_ENGINE')).deploysLambdaVersions ?? false,
  clock: systemClock,
  backoff: jitteredBackoff,
  log,
};

export const handler = eventFunction(log, (event) => createFunction(event, ports));
