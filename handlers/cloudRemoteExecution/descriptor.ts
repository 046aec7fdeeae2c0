import { allow, allowObjects } from '../../lib/cloudFormation';
import type { SystemFunctionDescriptor } from '../descriptor';
import { allowList, cloudFunctionArns, DEFINITIONS, INDEXES, madeFunctionsArn, READ } from '../stackContext';

export const CLOUD_REMOTE_EXECUTION: SystemFunctionDescriptor = {
  name: 'cloudRemoteExecution',
  memory: 512,
  timeout: 29,
  trigger: { routes: ['cloudRemoteExecution'] },
  statements: (stack) => [
    allowObjects(stack.stateBucket, READ, [INDEXES, DEFINITIONS]),
    allowList(stack.stateBucket),
    allow(['lambda:InvokeFunction'], [madeFunctionsArn(stack), ...cloudFunctionArns(stack)]),
  ],
};
