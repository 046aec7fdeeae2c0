import { allow, allowObjects, arnOf, serviceRole } from '../../lib/cloudFormation';
import { UPLOAD_PREFIX, UPLOAD_SUFFIX } from '../../protocol';
import type { ServiceStack, SystemFunctionDescriptor } from '../descriptor';
import {
  allowList,
  cloudFunctionArns,
  madeFunctionsArn,
  MADE_FUNCTION_ROLE,
  READ,
  WRITE,
} from '../stackContext';

const LOG_GROUP = 'EdgeCloudFunctionLogGroup';

export const CREATE_FUNCTION: SystemFunctionDescriptor = {
  name: 'createFunction',
  memory: 1024,
  timeout: 120,
  trigger: { objects: { bucket: 'functions', prefix: UPLOAD_PREFIX, suffix: UPLOAD_SUFFIX } },
  environment: ({ cloudFunctionPrefix }) => ({
    EDGE_CLOUD_FUNCTION_PREFIX: cloudFunctionPrefix,
    EDGE_CLOUD_FUNCTION_ROLE_ARN: arnOf(MADE_FUNCTION_ROLE),
    EDGE_CLOUD_FUNCTION_LOG_GROUP: { Ref: LOG_GROUP },
  }),
  statements: (stack) => [
    allowObjects(stack.functionsBucket, READ, ['uploads/*']),
    allowObjects(stack.functionsBucket, WRITE, ['packages/*', 'results/*']),
    allowObjects(stack.stateBucket, [...READ, ...WRITE], ['registry/*']),
    allowList(stack.functionsBucket, stack.stateBucket),
    allow(PUBLISH, [madeFunctionsArn(stack)]),
    allow(existingActions(stack), cloudFunctionArns(stack)),
    allow(['iam:PassRole'], [arnOf(MADE_FUNCTION_ROLE)], {
      StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' },
    }),
  ],
  resources: ({ cloudFunctionPrefix, logRetention }) => ({
    [LOG_GROUP]: {
      Type: 'AWS::Logs::LogGroup',
      Properties: {
        LogGroupName: `/aws/lambda/${cloudFunctionPrefix}functions`,
        RetentionInDays: logRetention,
      },
    },
    [MADE_FUNCTION_ROLE]: serviceRole(
      'lambda.amazonaws.com',
      [allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [arnOf(LOG_GROUP)])],
      'Functions that createFunction puts into the cloud',
    ),
  }),
  failures: 'queue',
};

/** GetFunction also stands behind the waiters of the SDK. */
const PUBLISH = [
  'lambda:CreateFunction',
  'lambda:GetFunction',
  'lambda:GetFunctionConfiguration',
  'lambda:UpdateFunctionCode',
  'lambda:UpdateFunctionConfiguration',
  'lambda:PublishVersion',
  'lambda:CreateAlias',
  'lambda:UpdateAlias',
];

/** Where the engine deploys versions alone, one is made of what the stack has deployed. */
function existingActions({ engine }: ServiceStack): string[] {
  const { deploysLambdaVersions } = engine.descriptor;
  return ['lambda:GetFunctionConfiguration', ...(deploysLambdaVersions ? ['lambda:PublishVersion'] : [])];
}
