import { allowObjects } from '../../lib/cloudFormation';
import type { SystemFunctionDescriptor } from '../descriptor';
import { allowDeviceDirectory, allowList, DEFINITIONS, READ } from '../stackContext';

export const GET_GROUP_DEFINITION: SystemFunctionDescriptor = {
  name: 'getGroupDefinition',
  memory: 512,
  timeout: 10,
  trigger: { routes: ['getGroupDefinition', 'getPackage', 'getDevice'] },
  statements: ({ functionsBucket, stateBucket }) => [
    allowObjects(stateBucket, READ, [DEFINITIONS, 'revisions/*', 'requests/*']),
    allowObjects(functionsBucket, READ, ['packages/*']),
    allowList(stateBucket),
    ...allowDeviceDirectory(),
  ],
};
