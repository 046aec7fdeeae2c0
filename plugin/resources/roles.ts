import { cloudFunctionOf } from '../packaging/functionConfig';
import { roleLogicalId, SYSTEM_FUNCTIONS, type SystemFunction } from '../systemFunctions';
import type { EdgeConfiguration } from '../configuration/configuration';
import { deploymentEngineStatements } from './deploymentEngine';
import {
  allow,
  arnOf,
  bucketArn,
  regionalArn,
  role,
  type ResourceContext,
  type Resources,
  type Statement,
} from './resource';

/** One role per system function, with just what it does. */
export function roleResources(context: ResourceContext): Resources {
  const { configuration } = context;
  const resources: Resources = {
    EdgeCloudFunctionLogGroup: {
      Type: 'AWS::Logs::LogGroup',
      Properties: {
        LogGroupName: `/aws/lambda/${configuration.cloudFunctionPrefix}functions`,
        RetentionInDays: configuration.logRetention,
      },
    },
    EdgeCloudFunctionRole: role(
      'lambda.amazonaws.com',
      [allow(WRITE_LOGS, [arnOf('EdgeCloudFunctionLogGroup')])],
      'Functions that createFunction puts into the cloud',
    ),
  };
  for (const name of SYSTEM_FUNCTIONS) {
    resources[roleLogicalId(name)] = role(
      'lambda.amazonaws.com',
      [
        logs(configuration.lambdaName(name)),
        ...failures(name),
        ...STATEMENTS[name](context),
        ...providerWide(context),
      ].filter(({ Resource }) => Resource.length > 0),
      `System function ${name}`,
    );
  }
  return resources;
}

/** The stack makes the log groups; Lambda gives the streams in them names of its own. */
const WRITE_LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'];

function logs(functionName: string): Statement {
  return allow(WRITE_LOGS, [regionalArn('logs', `log-group:/aws/lambda/${functionName}:*`)]);
}

/** Asynchronously invoked functions leave what they could not do in the failure queue. */
export const ASYNCHRONOUS: readonly SystemFunction[] = [
  'createFunction',
  'handleDeploymentRequest',
  'performDeployment',
];

function failures(name: SystemFunction): Statement[] {
  return ASYNCHRONOUS.includes(name) ? [allow(['sqs:SendMessage'], [arnOf('EdgeFailures')])] : [];
}

/** What all functions of the service need because of its `provider:` settings. */
function providerWide({ service: { provider } }: ResourceContext): Statement[] {
  const { kmsKeyArn, tracing } = provider;
  return [
    ...(kmsKeyArn === undefined ? [] : [allow(['kms:Decrypt'], [kmsKeyArn])]),
    // X-Ray has no resources that a policy could name.
    ...(tracing?.lambda ? [allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*'])] : []),
  ];
}

const READ = ['s3:GetObject'];
const WRITE = ['s3:PutObject'];

/**
 * Read by all that ask for functions or groups. Here and below, objects are named by prefix: functions,
 * groups, revisions and uploads come after the stack, so that their names are not known to it.
 */
const INDEXES = 'registry/*/index.json';
const DEFINITIONS = 'groups/*/definition.json';

const STATEMENTS: Record<SystemFunction, (context: ResourceContext) => Statement[]> = {
  createFunction: (context) => {
    const { functionsBucket, stateBucket, cloudFunctionPrefix } = context.configuration;
    return [
      objects(functionsBucket, READ, ['uploads/*']),
      objects(functionsBucket, WRITE, ['packages/*', 'results/*']),
      objects(stateBucket, [...READ, ...WRITE], ['registry/*']),
      listBuckets(functionsBucket, stateBucket),
      // By prefix: the names come with the packages.
      allow(PUBLISH, [regionalArn('lambda', `function:${cloudFunctionPrefix}*`)]),
      allow(existingActions(context), stackFunctions(context)),
      allow(['iam:PassRole'], [arnOf('EdgeCloudFunctionRole')], {
        StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' },
      }),
    ];
  },
  validateFunction: ({ configuration: { functionsBucket, stateBucket } }) => [
    objects(stateBucket, READ, [INDEXES, DEFINITIONS]),
    // It signs addresses of packages, and what it signs it must be allowed itself.
    objects(functionsBucket, READ, ['packages/*']),
    listBuckets(stateBucket),
  ],
  handleDeploymentRequest: ({ configuration }) => [
    objects(configuration.stateBucket, READ, [INDEXES, DEFINITIONS]),
    objects(configuration.stateBucket, WRITE, ['requests/*']),
    listBuckets(configuration.stateBucket),
    allow(
      ['lambda:InvokeFunction'],
      [regionalArn('lambda', `function:${configuration.lambdaName('performDeployment')}`)],
    ),
    allow(['iot:Publish'], [coreTopicArn(configuration, 'accepted'), coreTopicArn(configuration, 'refused')]),
    ...deviceDirectory(),
  ],
  performDeployment: (context) => [
    objects(
      context.configuration.stateBucket,
      [...READ, ...WRITE],
      [DEFINITIONS, 'revisions/*', 'deployments/*'],
    ),
    objects(context.configuration.stateBucket, [...READ, 's3:DeleteObject'], ['requests/*']),
    objects(context.configuration.stateBucket, WRITE, ['failures/requests/*']),
    listBuckets(context.configuration.stateBucket),
    allow(['iot:Publish', 'iot:RetainPublish'], [coreTopicArn(context.configuration, 'revision')]),
    ...deploymentEngineStatements(context),
  ],
  getGroupDefinition: ({ configuration: { functionsBucket, stateBucket } }) => [
    objects(stateBucket, READ, [DEFINITIONS, 'revisions/*']),
    objects(functionsBucket, READ, ['packages/*']),
    listBuckets(stateBucket),
    ...deviceDirectory(),
  ],
  cloudRemoteExecution: (context) => [
    objects(context.configuration.stateBucket, READ, [INDEXES, DEFINITIONS]),
    listBuckets(context.configuration.stateBucket),
    allow(
      ['lambda:InvokeFunction'],
      [
        // By prefix, as createFunction makes them.
        regionalArn('lambda', `function:${context.configuration.cloudFunctionPrefix}*`),
        ...stackFunctions(context),
      ],
    ),
  ],
};

/** V1 of Greengrass takes versions alone, so one is made of what the stack has deployed. */
function existingActions({ configuration }: ResourceContext): string[] {
  const versioned = configuration.section.engine.name === 'greengrass';
  return ['lambda:GetFunctionConfiguration', ...(versioned ? ['lambda:PublishVersion'] : [])];
}

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

/** Of every core of this service and stage: groups, and with them cores, come after the stack too. */
function coreTopicArn(configuration: EdgeConfiguration, kind: string): unknown {
  return regionalArn('iot', `topic/${configuration.corePrefix}/core/*/${kind}`);
}

/** Ordinary Lambda functions of the stack that devices may use in the cloud; a package may name a version or alias. */
function stackFunctions({ configuration, service }: ResourceContext): unknown[] {
  return Object.entries(configuration.section.functions)
    .filter(([, entry]) => entry?.locations?.includes('cloud'))
    .map(([name]) => cloudFunctionOf(name, service.functions[name] ?? {}, configuration))
    .flatMap((name) => [
      regionalArn('lambda', `function:${name}`),
      regionalArn('lambda', `function:${name}:*`),
    ]);
}
