import type { EdgeConfiguration } from '../configuration/configuration';
import type { CloudFormationResource } from '../framework';
import { permission } from './buckets';
import { routeArn } from './httpApi';
import {
  allow,
  arnOf,
  bucketArn,
  policyDocument,
  regionalArn,
  role,
  type ResourceContext,
  type Resources,
  type Statement,
} from './resource';

/** https://docs.aws.amazon.com/iot/latest/developerguide/cross-service-confused-deputy-prevention.html */
const OWN_ACCOUNT = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } };

/** Rules for what cores send, policies for cores and devices, and the cores' credentials. */
export function iotResources(context: ResourceContext): Resources {
  const { configuration, provider } = context;
  const handler = provider.naming.getLambdaLogicalId('handleDeploymentRequest');
  return {
    EdgeUpdateRule: updateRule(configuration, handler),
    EdgeUpdateRulePermission: permission(handler, 'iot.amazonaws.com', arnOf('EdgeUpdateRule')),
    EdgeStatusRule: statusRule(configuration),
    EdgeLogRule: logRule(configuration),
    EdgeRuleRole: role(
      'iot.amazonaws.com',
      [
        // Cores, and with them the first part of a key, come after the stack; so do failures.
        allow(
          ['s3:PutObject'],
          [
            bucketArn(configuration.stateBucket, 'status/*'),
            bucketArn(configuration.stateBucket, 'failures/rules/*'),
            bucketArn(configuration.functionsBucket, 'logs/*'),
          ],
        ),
      ],
      'Rules store reports and logs of cores, and what they could not deliver',
      OWN_ACCOUNT,
    ),
    EdgeCoreRole: coreRole(context),
    EdgeRoleAlias: {
      Type: 'AWS::IoT::RoleAlias',
      Properties: {
        RoleAlias: configuration.roleAliasName,
        RoleArn: arnOf('EdgeCoreRole'),
      },
    },
    EdgeCorePolicy: corePolicy(configuration),
    EdgeDevicePolicy: devicePolicy(configuration),
  };
}

/** Segment of the core's name in `<corePrefix>/core/<core>/…`, counted from one. */
function coreSegment(configuration: EdgeConfiguration): number {
  return configuration.corePrefix.split('/').length + 2;
}

/**
 * The payload is selected as a whole and encoded: no field inside it can pass for `core` or
 * `principal`, and malformed payloads still reach the handler, which answers them.
 */
function updateRule(configuration: EdgeConfiguration, handler: string): CloudFormationResource {
  const core = `topic(${coreSegment(configuration)})`;
  return rule(
    'Definition updates of edge cores',
    `SELECT encode(*, 'base64') AS payload, ${core} AS core, principal() AS principal FROM '${configuration.corePrefix}/core/+/update'`,
    [{ Lambda: { FunctionArn: arnOf(handler) } }],
    configuration,
  );
}

/** A core says into which of its slots a report goes: a new one, or that of its heartbeat. */
function statusRule(configuration: EdgeConfiguration): CloudFormationResource {
  const core = `\${topic(${coreSegment(configuration)})}`;
  return rule(
    'Status reports of edge cores',
    `SELECT * FROM '${configuration.corePrefix}/core/+/status'`,
    [s3Action(configuration.stateBucket, `status/${core}/\${slot}.json`)],
    configuration,
  );
}

/** In the bucket without versions: nothing there is ever written over. */
function logRule(configuration: EdgeConfiguration): CloudFormationResource {
  const core = `\${topic(${coreSegment(configuration)})}`;
  return rule(
    'Logs of edge cores',
    `SELECT * FROM '${configuration.corePrefix}/core/+/log'`,
    [s3Action(configuration.functionsBucket, `logs/${core}/\${at}-\${seq}.json`)],
    configuration,
  );
}

function rule(
  description: string,
  sql: string,
  actions: unknown[],
  configuration: EdgeConfiguration,
): CloudFormationResource {
  return {
    Type: 'AWS::IoT::TopicRule',
    Properties: {
      TopicRulePayload: {
        Description: description,
        AwsIotSqlVersion: '2016-03-23',
        Sql: sql,
        Actions: actions,
        ErrorAction: s3Action(configuration.stateBucket, 'failures/rules/${newuuid()}.json'),
        RuleDisabled: false,
      },
    },
  };
}

function s3Action(bucket: unknown, key: string): unknown {
  return {
    S3: {
      BucketName: bucket,
      Key: key,
      RoleArn: arnOf('EdgeRuleRole'),
    },
  };
}

/**
 * The credentials provider sets the role session name to the certificate id; handlers check it against
 * the group. Which group a core serves is in its definition: the routes of all groups are allowed here.
 */
function coreRole(context: ResourceContext): CloudFormationResource {
  return role(
    coreServices(context),
    [
      allow(
        ['execute-api:Invoke'],
        [routeArn(context, 'GET', '/groups/*'), routeArn(context, 'POST', '/groups/*')],
      ),
      allow(
        ['greengrass:UpdateConnectivityInfo'],
        [regionalArn('greengrass', '/greengrass/things/${!credentials-iot:ThingName}/connectivityInfo')],
      ),
      ...componentArtifacts(context),
    ],
    'Edge cores, through the IoT credentials provider',
  );
}

/**
 * A V1 core has the role of its group, which "must define AWS IoT Greengrass as a trusted entity": the operator
 * attaches this one to the group (AssociateRoleToGroup). Source: AWS IoT Greengrass V1 developer guide,
 * "Greengrass group role". Its examples of conditions (aws:SourceAccount) are of other roles.
 */
function coreServices({ configuration: { section } }: ResourceContext): string | string[] {
  const provider = 'credentials.iot.amazonaws.com';
  return section.engine.name === 'greengrass' ? [provider, 'greengrass.amazonaws.com'] : provider;
}

/** With the role of its core device the nucleus downloads what components are made of: packages are named by digest. */
function componentArtifacts({ configuration: { section, functionsBucket } }: ResourceContext): Statement[] {
  if (section.engine.name !== 'greengrassv2') return [];
  const artifacts = ['core/*', 'host/*', 'packages/*'].map((path) => bucketArn(functionsBucket, path));
  return [allow(['s3:GetObject'], artifacts)];
}

const THING = '${!iot:Connection.Thing.ThingName}';

function corePolicy(configuration: EdgeConfiguration): CloudFormationResource {
  const topic = `${configuration.corePrefix}/core/${THING}`;
  const topics = (type: 'topic' | 'topicfilter', kinds: string[]): unknown[] =>
    kinds.map((kind) => regionalArn('iot', `${type}/${topic}/${kind}`));
  return policy(configuration.corePolicyName, [
    allow(['iot:Connect'], [regionalArn('iot', `client/${THING}`)]),
    allow(['iot:Publish'], topics('topic', ['update', 'status', 'log'])),
    allow(['iot:Subscribe'], topics('topicfilter', ['revision', 'accepted', 'refused'])),
    allow(['iot:Receive'], topics('topic', ['revision', 'accepted', 'refused'])),
    allow(['iot:AssumeRoleWithCertificate'], [{ 'Fn::GetAtt': ['EdgeRoleAlias', 'RoleAliasArn'] }]),
  ]);
}

/** Devices talk to their edge core; of the cloud they need discovery alone. */
function devicePolicy(configuration: EdgeConfiguration): CloudFormationResource {
  return policy(configuration.devicePolicyName, [
    allow(['greengrass:Discover'], [regionalArn('iot', `thing/${THING}`)]),
  ]);
}

function policy(name: string, statements: Statement[]): CloudFormationResource {
  return {
    Type: 'AWS::IoT::Policy',
    Properties: { PolicyName: name, PolicyDocument: policyDocument(statements) },
  };
}
