import '../node12';
import IotData from 'aws-greengrass-core-sdk/iotdata';
import Lambda from 'aws-greengrass-core-sdk/lambda';
import { createDeviceRequestHandler } from '../handleDeviceRequest';
import { asHandler, v1Parts } from '../handler';

const parts = v1Parts('handleDeviceRequest', { iotData: new IotData(), lambda: new Lambda() });

export const handler = asHandler(parts, createDeviceRequestHandler(parts));
