import { LambdaClient } from '@aws-sdk/client-lambda';
import { LambdaInvoker } from '../adapters/cloudInvoker';
import { cloudRemoteExecution } from '../cloudRemoteExecution';
import { S3Definitions } from '../definitions/s3Definitions';
import { S3Registry } from '../registry/s3Registry';
import { environment } from './_environment';
import { httpFunction } from './_http';
import { createLog } from './_log';
import { stateDocuments, systemClock } from './_state';

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
