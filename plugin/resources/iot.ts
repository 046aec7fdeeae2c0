import type { EdgeConfiguration } from '../configuration/configuration';
import type { AwsProvider, CloudFormationResource } from '../framework';
import { permission } from './buckets';
import { allow, bucketArn, regionalArn, role, sub, type Resources } from './resource';

/** Rules for what cores send, policies for cores and devices, and the cores' credentials. */
export function iotResources(configuration: EdgeConfiguration, provider: AwsProvider): Resources {
  const handler = provider.naming.getLambdaLogicalId('handleDeploymentRequest');
  return {
    EdgeUpdateRule: updateRule(configuration, handler),
    EdgeUpdateRulePermission: permission(handler, 'iot.amazonaws.com', {
      'Fn::GetAtt': ['EdgeUpdateRule', 'Arn'],
    }),
    EdgeStatusRule: statusRule(configuration),
    EdgeRuleRole: role(
      'iot.amazonaws.com',
      [
        allow(
          ['s3:PutObject'],
          [
            bucketArn(configuration.stateBucket, 'status/*'),
            bucketArn(configuration.stateBucket, 'failures/*'),
          ],
        ),
      ],
      'Rules store status reports and what they could not deliver',
    ),
    EdgeCoreRole: coreRole(),
    EdgeRoleAlias: {
      Type: 'AWS::IoT::RoleAlias',
      Properties: {
        RoleAlias: configuration.roleAliasName,
        RoleArn: { 'Fn::GetAtt': ['EdgeCoreRole', 'Arn'] },
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
    `SELECT encode(*, 'base64') AS payload, ${core} AS core, principal() AS principal FROM '${configuration.corePrefix}/core/+/update'`,
    [{ Lambda: { FunctionArn: { 'Fn::GetAtt': [handler, 'Arn'] } } }],
    configuration,
  );
}

/** Keyed by core, boot and sequence: a late report never overwrites a newer one. */
function statusRule(configuration: EdgeConfiguration): CloudFormationResource {
  const core = `\${topic(${coreSegment(configuration)})}`;
  return rule(
    `SELECT * FROM '${configuration.corePrefix}/core/+/status'`,
    [s3Action(configuration, `status/${core}/\${boot}/\${seq}.json`)],
    configuration,
  );
}

function rule(sql: string, actions: unknown[], configuration: EdgeConfiguration): CloudFormationResource {
  return {
    Type: 'AWS::IoT::TopicRule',
    Properties: {
      TopicRulePayload: {
        AwsIotSqlVersion: '2016-03-23',
        Sql: sql,
        Actions: actions,
        ErrorAction: s3Action(configuration, 'failures/rules/${newuuid()}.json'),
        RuleDisabled: false,
      },
    },
  };
}

function s3Action(configuration: EdgeConfiguration, key: string): unknown {
  return {
    S3: {
      BucketName: configuration.stateBucket,
      Key: key,
      RoleArn: { 'Fn::GetAtt': ['EdgeRuleRole', 'Arn'] },
    },
  };
}

/** The credentials provider sets the role session name to the certificate id; handlers check it against the group. */
function coreRole(): CloudFormationResource {
  return role(
    'credentials.iot.amazonaws.com',
    [
      allow(
        ['execute-api:Invoke'],
        [
          sub('arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/*/GET/groups/*'),
          sub(
            'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/*/POST/groups/*',
          ),
        ],
      ),
      allow(
        ['greengrass:UpdateConnectivityInfo'],
        [regionalArn('greengrass', '/greengrass/things/${!credentials-iot:ThingName}/connectivityInfo')],
      ),
    ],
    'Edge cores, through the IoT credentials provider',
  );
}

const THING = '${!iot:Connection.Thing.ThingName}';

function corePolicy(configuration: EdgeConfiguration): CloudFormationResource {
  const topic = `${configuration.corePrefix}/core/${THING}`;
  const topics = (type: 'topic' | 'topicfilter', kinds: string[]): unknown[] =>
    kinds.map((kind) => regionalArn('iot', `${type}/${topic}/${kind}`));
  return policy(configuration.corePolicyName, [
    allow(['iot:Connect'], [regionalArn('iot', `client/${THING}`)]),
    allow(['iot:Publish'], topics('topic', ['update', 'status'])),
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

function policy(name: string, statements: unknown[]): CloudFormationResource {
  return {
    Type: 'AWS::IoT::Policy',
    Properties: { PolicyName: name, PolicyDocument: { Version: '2012-10-17', Statement: statements } },
  };
}
