import { createHash } from 'node:crypto';

/** Where a placeholder pretends to be, and what it is called there. */
export interface Placement {
  region: string;
  account: string;
  /** As the template names the resource, or as CloudFormation would. */
  name: string;
}

interface Shape {
  /** What `Ref` gives; the name unless told. */
  ref?: (at: Placement) => string;
  /** What `Fn::GetAtt` gives. */
  [attribute: string]: ((at: Placement) => string) | undefined;
}

const arn =
  (service: string, resource: (name: string) => string) =>
  ({ region, account, name }: Placement): string =>
    `arn:aws:${service}:${region}:${account}:${resource(name)}`;
const named =
  (prefix: string) =>
  (name: string): string =>
    `${prefix}${name}`;

/** Hexadecimal digits that are always the same for a name. */
function digits(name: string, length: number): string {
  return createHash('sha256').update(name).digest('hex').slice(0, length);
}

const id =
  (prefix: string, length: number) =>
  ({ name }: Placement): string =>
    prefix + digits(name, length);

function uuid({ name }: Placement): string {
  const hex = digits(name, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const poolId = ({ region, name }: Placement): string => `${region}_${digits(name, 9)}`;
const topicArn = arn('sns', named(''));
const queueArn = arn('sqs', named(''));
const roleArn = ({ account, name }: Placement): string => `arn:aws:iam::${account}:role/${name}`;
const machineArn = arn('states', named('stateMachine:'));
const secretArn = arn('secretsmanager', (name) => `secret:${name}-${digits(name, 6)}`);
const executeApi =
  (scheme: string) =>
  (at: Placement): string =>
    `${scheme}://${digits(at.name, 10)}.execute-api.${at.region}.amazonaws.com`;
const databaseHost = ({ region, name }: Placement): string =>
  `${name.toLowerCase()}.cluster-${digits(name, 12)}.${region}.rds.amazonaws.com`;

/**
 * What references give, by resource type: the documented return values of each.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
 */
const SHAPES: Record<string, Shape> = {
  'AWS::ApiGateway::RestApi': { ref: id('', 10), RestApiId: id('', 10), RootResourceId: id('0', 9) },
  'AWS::ApiGatewayV2::Api': { ref: id('', 10), ApiId: id('', 10), ApiEndpoint: executeApi('wss') },
  'AWS::AppSync::GraphQLApi': {
    ref: arn('appsync', (name) => `apis/${digits(name, 26)}`),
    Arn: arn('appsync', (name) => `apis/${digits(name, 26)}`),
    ApiId: id('', 26),
    GraphQLUrl: (at) => `https://${digits(at.name, 26)}.appsync-api.${at.region}.amazonaws.com/graphql`,
  },
  'AWS::CloudFront::Distribution': {
    ref: (at) => `E${digits(at.name, 13).toUpperCase()}`,
    DomainName: (at) => `d${digits(at.name, 13)}.cloudfront.net`,
  },
  'AWS::Cognito::IdentityPool': { ref: (at) => `${at.region}:${uuid(at)}` },
  'AWS::Cognito::UserPool': {
    ref: poolId,
    UserPoolId: poolId,
    Arn: (at) => `arn:aws:cognito-idp:${at.region}:${at.account}:userpool/${poolId(at)}`,
    ProviderName: (at) => `cognito-idp.${at.region}.amazonaws.com/${poolId(at)}`,
    ProviderURL: (at) => `https://cognito-idp.${at.region}.amazonaws.com/${poolId(at)}`,
  },
  'AWS::Cognito::UserPoolClient': { ref: id('', 26), ClientId: id('', 26), ClientSecret: id('', 52) },
  'AWS::DynamoDB::Table': {
    Arn: arn('dynamodb', named('table/')),
    StreamArn: arn('dynamodb', (name) => `table/${name}/stream/2020-01-01T00:00:00.000`),
  },
  'AWS::EC2::InternetGateway': { ref: id('igw-', 17) },
  'AWS::EC2::NatGateway': { ref: id('nat-', 17) },
  'AWS::EC2::RouteTable': { ref: id('rtb-', 17) },
  'AWS::EC2::SecurityGroup': { ref: id('sg-', 17), GroupId: id('sg-', 17), VpcId: id('vpc-', 17) },
  'AWS::EC2::Subnet': { ref: id('subnet-', 17), SubnetId: id('subnet-', 17), VpcId: id('vpc-', 17) },
  'AWS::EC2::VPC': { ref: id('vpc-', 17), VpcId: id('vpc-', 17), CidrBlock: () => '10.0.0.0/16' },
  'AWS::EC2::VPCEndpoint': { ref: id('vpce-', 17) },
  'AWS::Events::EventBus': { Arn: arn('events', named('event-bus/')) },
  'AWS::IAM::ManagedPolicy': { ref: ({ account, name }) => `arn:aws:iam::${account}:policy/${name}` },
  'AWS::IAM::Role': { Arn: roleArn, RoleId: (at) => `AROA${digits(at.name, 17).toUpperCase()}` },
  'AWS::Kinesis::Stream': { Arn: arn('kinesis', named('stream/')) },
  'AWS::KinesisFirehose::DeliveryStream': { Arn: arn('firehose', named('deliverystream/')) },
  'AWS::KMS::Key': { ref: uuid, KeyId: uuid, Arn: (at) => arn('kms', () => `key/${uuid(at)}`)(at) },
  'AWS::Lambda::Function': { Arn: arn('lambda', named('function:')) },
  'AWS::Lambda::LayerVersion': { ref: arn('lambda', (name) => `layer:${name}:1`) },
  'AWS::Lambda::Version': { ref: arn('lambda', (name) => `function:${name}:1`), Version: () => '1' },
  'AWS::Logs::LogGroup': { Arn: arn('logs', (name) => `log-group:${name}:*`) },
  'AWS::RDS::DBCluster': {
    DBClusterArn: arn('rds', named('cluster:')),
    'Endpoint.Address': databaseHost,
    'Endpoint.Port': () => '3306',
  },
  'AWS::RDS::DBInstance': {
    DBInstanceArn: arn('rds', named('db:')),
    'Endpoint.Address': databaseHost,
    'Endpoint.Port': () => '3306',
  },
  'AWS::S3::Bucket': {
    ref: ({ name }) => name.toLowerCase(),
    Arn: ({ name }) => `arn:aws:s3:::${name.toLowerCase()}`,
    DomainName: ({ name }) => `${name.toLowerCase()}.s3.amazonaws.com`,
    RegionalDomainName: ({ name, region }) => `${name.toLowerCase()}.s3.${region}.amazonaws.com`,
    WebsiteURL: ({ name, region }) => `http://${name.toLowerCase()}.s3-website-${region}.amazonaws.com`,
  },
  'AWS::SecretsManager::Secret': { ref: secretArn, Id: secretArn },
  'AWS::SNS::Topic': { ref: topicArn, TopicArn: topicArn, TopicName: ({ name }) => name },
  'AWS::SQS::Queue': {
    ref: ({ region, account, name }) => `https://sqs.${region}.amazonaws.com/${account}/${name}`,
    QueueUrl: ({ region, account, name }) => `https://sqs.${region}.amazonaws.com/${account}/${name}`,
    QueueName: ({ name }) => name,
    Arn: queueArn,
  },
  'AWS::SSM::Parameter': { ref: ({ name }) => name, Value: ({ name }) => name },
  'AWS::StepFunctions::StateMachine': { ref: machineArn, Arn: machineArn, Name: ({ name }) => name },
};

export function placeholderRef(type: string, at: Placement): string {
  return SHAPES[type]?.ref?.(at) ?? at.name;
}

/** Of a type or an attribute that is not listed: by what the attribute is called. */
export function placeholderAttribute(type: string, attribute: string, at: Placement): string {
  const known = SHAPES[type]?.[attribute];
  if (known !== undefined) return known(at);
  const [, service = 'aws', kind = 'resource'] = type.toLowerCase().split('::');
  return wordedAs(attribute, at, arn(service, named(`${kind}/`)));
}

/** A value that another stack exports, or that nobody gave a parameter: its name is all that is known. */
export function placeholderValue(name: string, { region, account }: Omit<Placement, 'name'>): string {
  const plain = name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
  const at = { region, account, name: plain.toLowerCase().slice(0, 60) || 'value' };
  return wordedAs(name, at, /role/i.test(name) ? roleArn : arn('imported', named('')));
}

function wordedAs(word: string, at: Placement, arnOf: (at: Placement) => string): string {
  const host = `${at.name.toLowerCase()}.invalid`;
  if (/arn$/i.test(word)) return arnOf(at);
  if (/ur[il]$/i.test(word)) return `https://${host}`;
  if (/(endpoint|address|domain|domainname|host|hostname)$/i.test(word)) return host;
  if (/port$/i.test(word)) return '443';
  return at.name;
}
