import { IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { IotCoreMessages } from '../adapters/coreMessages';
import { lambdaHint } from '../adapters/deploymentHint';
import { IotDeviceDirectory } from '../adapters/deviceDirectory';
import { S3Definitions } from '../definitions/s3Definitions';
import { S3Requests } from '../definitions/s3Requests';
import { handleDeploymentRequest } from '../handleDeploymentRequest';
import { S3Registry } from '../registry/s3Registry';
import { environment } from './_environment';
import { eventFunction } from './_events';
import { createLog } from './_log';
import { stateDocuments, systemClock } from './_state';

const log = createLog('handleDeploymentRequest');
const ports = {
  definitions: new S3Definitions(stateDocuments),
  registry: new S3Registry(stateDocuments),
  requests: new S3Requests(stateDocuments, log),
  devices: new IotDeviceDirectory(new IoTClient({})),
  messages: new IotCoreMessages(new IoTDataPlaneClient({}), environment('EDGE_CORE_PREFIX')),
  hint: lambdaHint(new LambdaClient({}), environment('EDGE_PERFORM_DEPLOYMENT')),
  clock: systemClock,
  log,
};

export const handler = eventFunction(log, (event) => handleDeploymentRequest(event, ports));
