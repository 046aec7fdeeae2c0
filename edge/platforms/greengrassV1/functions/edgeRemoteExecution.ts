import '../node12';
import IotData from 'aws-greengrass-core-sdk/iotdata';
import Lambda from 'aws-greengrass-core-sdk/lambda';
import { createRemoteExecutionHandler } from '../edgeRemoteExecution';
import { asHandler, v1Parts } from '../handler';

const parts = v1Parts('edgeRemoteExecution', { iotData: new IotData(), lambda: new Lambda() });

export const handler = asHandler(parts, createRemoteExecutionHandler(parts));
