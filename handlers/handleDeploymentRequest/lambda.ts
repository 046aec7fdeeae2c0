import { IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { IotCoreMessages } from '../stores/coreMessages';
import { lambdaHint } from './deploymentHint';
import { IotDeviceDirectory } from '../stores/deviceDirectory';
import { S3Definitions } from '../stores/s3Definitions';
import { S3Requests } from '../stores/s3Requests';
import { handleDeploymentRequest } from './handleDeploymentRequest';
import { S3Registry } from '../stores/s3Registry';
import { environment } from '../lambda/environment';
import { eventFunction } from '../lambda/events';
import { createLog } from '../lambda/log';
import { stateDocuments } from '../lambda/state';
import { systemClock } from '../../lib/clock';

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
