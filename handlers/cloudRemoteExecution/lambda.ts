import { LambdaClient } from '@aws-sdk/client-lambda';
import { LambdaInvoker } from './cloudInvoker';
import { cloudRemoteExecution } from './cloudRemoteExecution';
import { S3Definitions } from '../stores/s3Definitions';
import { S3Registry } from '../stores/s3Registry';
import { environment } from '../lambda/environment';
import { httpFunction } from '../lambda/http';
import { createLog } from '../lambda/log';
import { stateDocuments } from '../lambda/state';
import { systemClock } from '../../lib/clock';

const ports = {
  definitions: new S3Definitions(stateDocuments),
  registry: new S3Registry(stateDocuments),
  cloud: new LambdaInvoker(new LambdaClient({ maxAttempts: 1 })),
  clock: systemClock,
};

export const handler = httpFunction(environment('EDGE_CORE_ROLE_NAME'), createLog('cloudRemoteExecution'), {
  cloudRemoteExecution: async ({ path, caller, document }) => ({
    body: await cloudRemoteExecution({ ...path, caller, request: document }, ports),
  }),
});
