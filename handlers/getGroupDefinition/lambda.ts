import { IoTClient } from '@aws-sdk/client-iot';
import { z } from 'zod';
import { parseWith } from '../../protocol';
import { IotDeviceDirectory } from '../stores/deviceDirectory';
import { S3Packages } from '../stores/packages';
import { S3Definitions } from '../stores/s3Definitions';
import { S3Requests } from '../stores/s3Requests';
import { getDevice, getGroupDefinition, getPackage } from './getGroupDefinition';
import { environment } from '../lambda/environment';
import { httpFunction } from '../lambda/http';
import { createLog } from '../lambda/log';
import { s3, stateDocuments } from '../lambda/state';
import { systemClock } from '../../lib/clock';

const log = createLog('getGroupDefinition');
const ports = {
  definitions: new S3Definitions(stateDocuments),
  requests: new S3Requests(stateDocuments, log),
  packages: new S3Packages(s3, environment('EDGE_FUNCTIONS_BUCKET'), systemClock),
  devices: new IotDeviceDirectory(new IoTClient({})),
};

const querySchema = z.object({
  revision: z
    .string()
    .regex(/^\d{1,15}$/, 'expected a revision number')
    .transform(Number)
    .optional(),
});

export const handler = httpFunction(environment('EDGE_CORE_ROLE_NAME'), log, {
  getGroupDefinition: async ({ path, query, headers, caller }) => {
    const { revision } = parseWith(querySchema, query, 'query');
    const ifNoneMatch = headers['if-none-match'];
    const answer = await getGroupDefinition(
      {
        ...path,
        caller,
        ...(revision !== undefined && { revision }),
        ...(ifNoneMatch !== undefined && { ifNoneMatch }),
      },
      ports,
    );
    if (answer.kind === 'unchanged') return { status: 304, headers: { etag: answer.etag } };
    const { definition, etag } = answer;
    return { body: { definition }, ...(etag !== undefined && { headers: { etag } }) };
  },
  getPackage: async ({ path, caller }) => ({ body: await getPackage({ ...path, caller }, ports) }),
  getDevice: async ({ path, caller }) => ({ body: await getDevice({ ...path, caller }, ports) }),
});
