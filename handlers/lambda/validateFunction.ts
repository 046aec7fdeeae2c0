import { S3Packages } from '../adapters/packages';
import { S3Definitions } from '../definitions/s3Definitions';
import { S3Registry } from '../registry/s3Registry';
import { validateFunction } from '../validateFunction';
import { environment } from './_environment';
import { httpFunction } from './_http';
import { createLog } from './_log';
import { s3, stateDocuments, systemClock } from './_state';

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
