import type { EdgeConfiguration } from '../configuration/configuration';
import { roleLogicalId, SYSTEM_FUNCTIONS, type SystemFunction } from '../systemFunctions';
import { allow, bucketArn, regionalArn, role, type Resources, type Statement } from './resource';

/** One role per system function, with just what it does. */
export function roleResources(configuration: EdgeConfiguration): Resources {
  const resources: Resources = {
    EdgeCloudFunctionRole: role(
      'lambda.amazonaws.com',
      [logs(`${configuration.cloudFunctionPrefix}*`)],
      'Functions that createFunction puts into the cloud',
    ),
  };
  for (const name of SYSTEM_FUNCTIONS) {
    resources[roleLogicalId(name)] = role(
      'lambda.amazonaws.com',
      [
        logs(`${configuration.service}-${configuration.stage}-${name}`),
        ...failures(name),
        ...STATEMENTS[name](configuration),
      ],
      `System function ${name}`,
    );
  }
  return resources;
}

function logs(functionName: string): Statement {
  return allow(
    ['logs:CreateLogStream', 'logs:CreateLogGroup', 'logs:PutLogEvents'],
    [regionalArn('logs', `log-group:/aws/lambda/${functionName}:*`)],
  );
}

/** Asynchronously invoked functions leave what they could not do in the failure queue. */
export const ASYNCHRONOUS: readonly SystemFunction[] = [
  'createFunction',
  'handleDeploymentRequest',
  'performDeployment',
];

function failures(name: SystemFunction): Statement[] {
  if (!ASYNCHRONOUS.includes(name)) return [];
  return [allow(['sqs:SendMessage'], [{ 'Fn::GetAtt': ['EdgeFailures', 'Arn'] }])];
}

const STATEMENTS: Record<SystemFunction, (configuration: EdgeConfiguration) => Statement[]> = {
  createFunction: (configuration) => [
    objects(configuration.functionsBucket, ['s3:GetObject'], ['uploads/*']),
    objects(configuration.functionsBucket, ['s3:GetObject', 's3:PutObject'], ['packages/*', 'results/*']),
    objects(configuration.stateBucket, ['s3:GetObject', 's3:PutObject'], ['registry/*']),
    listBuckets(configuration.functionsBucket, configuration.stateBucket),
    allow(
      [
        'lambda:CreateFunction',
        'lambda:GetFunction',
        'lambda:GetFunctionConfiguration',
        'lambda:UpdateFunctionCode',
        'lambda:UpdateFunctionConfiguration',
        'lambda:PublishVersion',
        'lambda:CreateAlias',
        'lambda:GetAlias',
        'lambda:UpdateAlias',
      ],
      [regionalArn('lambda', `function:${configuration.cloudFunctionPrefix}*`)],
    ),
    allow(
      ['lambda:GetFunctionConfiguration'],
      stackFunctions(configuration).flatMap((arn) => [arn, qualified(arn)]),
    ),
    allow(['iam:PassRole'], [{ 'Fn::GetAtt': ['EdgeCloudFunctionRole', 'Arn'] }]),
  ],
  validateFunction: (configuration) => [
    objects(configuration.stateBucket, ['s3:GetObject'], ['registry/*', 'groups/*']),
    objects(configuration.functionsBucket, ['s3:GetObject'], ['packages/*']),
    listBuckets(configuration.stateBucket),
  ],
  handleDeploymentRequest: (configuration) => [
    objects(configuration.stateBucket, ['s3:GetObject'], ['registry/*', 'groups/*']),
    objects(configuration.stateBucket, ['s3:PutObject'], ['requests/*']),
    listBuckets(configuration.stateBucket),
    allow(
      ['lambda:InvokeFunction'],
      [regionalArn('lambda', `function:${configuration.service}-${configuration.stage}-performDeployment`)],
    ),
    allow(['iot:Publish'], [coreTopicArn(configuration, 'accepted'), coreTopicArn(configuration, 'refused')]),
    ...deviceDirectory(),
  ],
  performDeployment: (configuration) => [
    objects(configuration.stateBucket, ['s3:GetObject', 's3:PutObject'], ['groups/*', 'deployments/*']),
    objects(configuration.stateBucket, ['s3:GetObject', 's3:DeleteObject'], ['requests/*']),
    objects(configuration.stateBucket, ['s3:PutObject'], ['failures/*']),
    listBuckets(configuration.stateBucket),
    allow(['iot:Publish', 'iot:RetainPublish'], [coreTopicArn(configuration, 'revision')]),
  ],
  getGroupDefinition: (configuration) => [
    objects(configuration.stateBucket, ['s3:GetObject'], ['groups/*']),
    objects(configuration.functionsBucket, ['s3:GetObject'], ['packages/*']),
    listBuckets(configuration.stateBucket),
    ...deviceDirectory(),
  ],
  cloudRemoteExecution: (configuration) => [
    objects(configuration.stateBucket, ['s3:GetObject'], ['registry/*', 'groups/*']),
    listBuckets(configuration.stateBucket),
    allow(
      ['lambda:InvokeFunction'],
      [
        regionalArn('lambda', `function:${configuration.cloudFunctionPrefix}*`),
        ...stackFunctions(configuration).flatMap((arn) => [arn, qualified(arn)]),
      ],
    ),
  ],
};

function objects(bucket: unknown, actions: string[], paths: string[]): Statement {
  return allow(
    actions,
    paths.map((path) => bucketArn(bucket, path)),
  );
}

/**
 * Without s3:ListBucket on the whole bucket, S3 answers 403 instead of 404 for a missing key, and a
 * condition on the prefix would not apply to GetObject: it cannot be narrower.
 */
function listBuckets(...buckets: unknown[]): Statement {
  return allow(
    ['s3:ListBucket'],
    buckets.map((bucket) => bucketArn(bucket)),
  );
}

/** iot:ListPrincipalThings has no resource type; certificates that a device presents are not known ahead. */
function deviceDirectory(): Statement[] {
  return [
    allow(['iot:DescribeCertificate'], [regionalArn('iot', 'cert/*')]),
    allow(['iot:ListPrincipalThings'], ['*']),
  ];
}

function coreTopicArn(configuration: EdgeConfiguration, kind: string): unknown {
  return regionalArn('iot', `topic/${configuration.corePrefix}/core/*/${kind}`);
}

/** Ordinary Lambda functions of the stack that devices may use in the cloud. */
function stackFunctions(configuration: EdgeConfiguration): unknown[] {
  return Object.entries(configuration.section.functions)
    .filter(([, entry]) => entry?.locations?.includes('cloud'))
    .map(([name]) =>
      regionalArn('lambda', `function:${configuration.service}-${configuration.stage}-${name}`),
    );
}

function qualified(arn: unknown): unknown {
  return { 'Fn::Join': [':', [arn, '*']] };
}
