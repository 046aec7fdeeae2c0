import { LambdaClient } from '@aws-sdk/client-lambda';
import { jitteredBackoff } from '../adapters/backoff';
import { LambdaPublisher } from '../adapters/cloudPublisher';
import { S3Uploads } from '../adapters/uploads';
import { createFunction } from '../createFunction';
import { S3Registry } from '../registry/s3Registry';
import { environment } from './_environment';
import { eventFunction } from './_events';
import { createLog } from './_log';
import { s3, stateDocuments, systemClock } from './_state';

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
  publishesAll: environment('EDGE_ENGINE') === 'greengrass',
  clock: systemClock,
  backoff: jitteredBackoff,
  log,
};

export const handler = eventFunction(log, (event) => createFunction(event, ports));
