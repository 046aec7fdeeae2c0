import { allowObjects } from '../../lib/cloudFormation';
import type { SystemFunctionDescriptor } from '../descriptor';
import { allowList, DEFINITIONS, INDEXES, READ } from '../stackContext';

export const VALIDATE_FUNCTION: SystemFunctionDescriptor = {
  name: 'validateFunction',
  memory: 512,
  timeout: 10,
  trigger: { routes: ['validateFunction'] },
  statements: ({ functionsBucket, stateBucket }) => [
    allowObjects(stateBucket, READ, [INDEXES, DEFINITIONS]),
    // It signs addresses of packages, and what it signs it must be allowed itself.
    allowObjects(functionsBucket, READ, ['packages/*']),
    allowList(stateBucket),
  ],
};
