import '../node12';
import IotData from 'aws-greengrass-core-sdk/iotdata';
import Lambda from 'aws-greengrass-core-sdk/lambda';
import { startEdgeCoreMonitor } from '../edgeCoreMonitor';
import { asHandler, v1Parts } from '../handler';

/** Long-lived: starts when its module is loaded, which is when the core starts. */
const parts = v1Parts('edgeCoreMonitor', { iotData: new IotData(), lambda: new Lambda() });
const starting = startEdgeCoreMonitor(parts);

export const handler = asHandler(parts, async (event, context) => (await starting).handle(event, context));
