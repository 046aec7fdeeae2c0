import { S3Packages } from '../stores/packages';
import { S3Definitions } from '../stores/s3Definitions';
import { S3Registry } from '../stores/s3Registry';
import { validateFunction } from './validateFunction';
import { environment } from '../lambda/environment';
import { httpFunction } from '../lambda/http';
import { createLog } from '../lambda/log';
import { s3, stateDocuments } from '../lambda/state';
import { systemClock } from '../../lib/clock';

const ports = {
  definitions: new S3Definitions(stateDocuments),
  registry: new S3Registry(stateDocuments),
  packages: new S3Packages(s3, environment('EDGE_FUNCTIONS_BUCKET'), systemClock),
};

export const handler = httpFunction(environment('EDGE_CORE_ROLE_NAME'), createLog('validateFunction'), {
  validateFunction: async ({ path, caller, document }) => ({
    body: await validateFunction({ ...path, caller, request: document }, ports),
  }),
});
