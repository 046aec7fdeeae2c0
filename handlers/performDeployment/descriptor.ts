import { allow, allowObjects, sub } from '../../lib/cloudFormation';
import { REQUEST_PREFIX } from '../../protocol';
import type { SystemFunctionDescriptor } from '../descriptor';
import { allowList, coreTopicArn, DEFINITIONS, READ, WRITE } from '../stackContext';

export const PERFORM_DEPLOYMENT: SystemFunctionDescriptor = {
  name: 'performDeployment',
  memory: 512,
  timeout: 60,
  trigger: {
    objects: { bucket: 'state', prefix: REQUEST_PREFIX, suffix: '.json' },
    // Covers a lost S3 event and a lost hint.
    everyMinutes: ({ engine }) => engine.options.sweepMinutes,
  },
  environment: (stack) => ({
    EDGE_THING_ARN_PREFIX: sub('arn:${AWS::Partition}:iot:${AWS::Region}:${AWS::AccountId}:thing/'),
    ...stack.engine.descriptor.environment?.(stack),
  }),
  statements: (stack) => [
    allowObjects(stack.stateBucket, [...READ, ...WRITE], [DEFINITIONS, 'revisions/*', 'deployments/*']),
    allowObjects(stack.stateBucket, [...READ, 's3:DeleteObject'], ['requests/*']),
    allowObjects(stack.stateBucket, WRITE, ['failures/requests/*']),
    allowList(stack.stateBucket),
    allow(['iot:Publish', 'iot:RetainPublish'], [coreTopicArn(stack, 'revision')]),
    ...stack.engine.descriptor.statements(stack),
  ],
  failures: 'queue',
};
