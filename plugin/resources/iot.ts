import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import {
  allow,
  arnOf,
  bucketArn,
  invokePermission,
  policyOf,
  regionalArn,
  serviceRole,
  type CloudFormationResource,
  type Resources,
  type Statement,
} from '../../lib/cloudFormation';
import type { EdgeConfiguration } from '../configuration/configuration';
import { routeArn } from './httpApi';
import type { TemplateContext } from './templateContext';

/** Logical id of the role that cores get from the credentials provider. */
export const CORE_ROLE = 'EdgeCoreRole';

/** https://docs.aws.amazon.com/iot/latest/developerguide/cross-service-confused-deputy-prevention.html */
const OWN_ACCOUNT = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } };

/** Rules for what cores send, policies for cores and devices, and the cores' credentials. */
export function iotResources(context: TemplateContext): Resources {
  const { configuration } = context;
  return {
    ...functionRules(context),
    EdgeStatusRule: statusRule(configuration),
    EdgeLogRule: logRule(configuration),
    EdgeRuleRole: serviceRole(
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
    [CORE_ROLE]: coreRole(context),
    EdgeRoleAlias: {
      Type: 'AWS::IoT::RoleAlias',
      Properties: {
        RoleAlias: configuration.roleAliasName,
        RoleArn: arnOf(CORE_ROLE),
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

/** Rules that give messages of cores to system functions. */
function functionRules({ configuration, stack }: TemplateContext): Resources {
  const resources: Resources = {};
  for (const { name, trigger } of SYSTEM_FUNCTIONS) {
    if (trigger.coreMessages === undefined) continue;
    const { kind, rule: logicalId, description, select } = trigger.coreMessages;
    const handler = stack.functionId(name);
    const core = `topic(${coreSegment(configuration)})`;
    resources[logicalId] = rule(
      description,
      `SELECT ${select(core)} FROM '${configuration.corePrefix}/core/+/${kind}'`,
      [{ Lambda: { FunctionArn: arnOf(handler) } }],
      configuration,
    );
    resources[`${logicalId}Permission`] = invokePermission(handler, 'iot.amazonaws.com', arnOf(logicalId));
  }
  return resources;
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
function coreRole(context: TemplateContext): CloudFormationResource {
  const { stack } = context;
  const { coreServices = [], coreStatements } = stack.engine.descriptor;
  const credentials = 'credentials.iot.amazonaws.com';
  return serviceRole(
    coreServices.length === 0 ? credentials : [credentials, ...coreServices],
    [
      allow(
        ['execute-api:Invoke'],
        ['GET', 'POST'].map((method) => routeArn(context, method, '/groups/*')),
      ),
      allow(
        ['greengrass:UpdateConnectivityInfo'],
        [regionalArn('greengrass', '/greengrass/things/${!credentials-iot:ThingName}/connectivityInfo')],
      ),
      ...(coreStatements?.(stack) ?? []),
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
    Properties: { PolicyName: name, PolicyDocument: policyOf(statements) },
  };
}
