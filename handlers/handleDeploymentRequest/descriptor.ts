import { allow, allowObjects, regionalArn } from '../../lib/cloudFormation';
import type { SystemFunctionDescriptor } from '../descriptor';
import {
  allowDeviceDirectory,
  allowList,
  coreTopicArn,
  DEFINITIONS,
  INDEXES,
  READ,
  WRITE,
} from '../stackContext';

/** The function that it wakes. */
const NEXT = 'performDeployment';

export const HANDLE_DEPLOYMENT_REQUEST: SystemFunctionDescriptor = {
  name: 'handleDeploymentRequest',
  memory: 512,
  timeout: 30,
  trigger: {
    coreMessages: {
      kind: 'update',
      rule: 'EdgeUpdateRule',
      description: 'Definition updates of edge cores',
      // The payload is selected as a whole and encoded: no field inside it can pass for `core` or
      // `principal`, and malformed payloads still reach the handler, which answers them.
      select: (core) => `encode(*, 'base64') AS payload, ${core} AS core, principal() AS principal`,
    },
  },
  environment: ({ lambdaName }) => ({ EDGE_PERFORM_DEPLOYMENT: lambdaName(NEXT) }),
  statements: (stack) => [
    allowObjects(stack.stateBucket, READ, [INDEXES, DEFINITIONS]),
    allowObjects(stack.stateBucket, WRITE, ['requests/*']),
    allowList(stack.stateBucket),
    allow(['lambda:InvokeFunction'], [regionalArn('lambda', `function:${stack.lambdaName(NEXT)}`)]),
    allow(['iot:Publish'], [coreTopicArn(stack, 'accepted'), coreTopicArn(stack, 'refused')]),
    ...allowDeviceDirectory(),
  ],
  failures: 'queue',
};
