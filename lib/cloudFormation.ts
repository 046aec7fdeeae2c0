/** One resource of a CloudFormation template. */
export interface CloudFormationResource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string | string[];
  [key: string]: unknown;
}

/** Resources by logical id. */
export type Resources = Record<string, CloudFormationResource>;

/** A statement of an IAM or IoT policy. `unknown` stands for a literal or an intrinsic function. */
export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string[];
  Resource: unknown[];
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

export function allow(
  actions: string[],
  resources: unknown[],
  condition?: Statement['Condition'],
): Statement {
  return {
    Effect: 'Allow',
    Action: actions,
    Resource: resources,
    ...(condition && { Condition: condition }),
  };
}

/** The document around the statements of a policy. */
export function policyOf(statements: readonly Statement[]): Record<string, unknown> {
  return { Version: '2012-10-17', Statement: statements };
}

export function sub(text: string, values?: Record<string, unknown>): unknown {
  return { 'Fn::Sub': values === undefined ? text : [text, values] };
}

export function arnOf(logicalId: string): unknown {
  return { 'Fn::GetAtt': [logicalId, 'Arn'] };
}

/** ARN of a bucket, or of the objects below `path` in it. */
export function bucketArn(bucket: unknown, path?: string): unknown {
  return sub(`arn:\${AWS::Partition}:s3:::\${Bucket}${path === undefined ? '' : `/${path}`}`, {
    Bucket: bucket,
  });
}

/** ARN of something in the stack's own region and account. */
export function regionalArn(service: string, resource: string): unknown {
  return sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`);
}

/** Lets `actions` be done to the objects below `paths` of a bucket. */
export function allowObjects(bucket: unknown, actions: string[], paths: readonly string[]): Statement {
  return allow(
    actions,
    paths.map((path) => bucketArn(bucket, path)),
  );
}

/**
 * A role. `service`: who may assume it. `conditions`: of the trust, where AWS says which keys the service
 * sends.
 */
export function serviceRole(
  service: string | string[],
  statements: Statement[],
  description: string,
  conditions?: Statement['Condition'],
): CloudFormationResource {
  const trust = {
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sts:AssumeRole',
    ...(conditions && { Condition: conditions }),
  };
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      Description: description,
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [trust] },
      Policies: [{ PolicyName: 'edge', PolicyDocument: policyOf(statements) }],
    },
  };
}

/** Lets a service of AWS invoke a Lambda function of the stack on behalf of `sourceArn`. */
export function invokePermission(
  functionId: string,
  service: string,
  sourceArn: unknown,
): CloudFormationResource {
  return {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: arnOf(functionId),
      Principal: service,
      SourceArn: sourceArn,
      SourceAccount: { Ref: 'AWS::AccountId' },
    },
  };
}

/** What makes a rule of EventBridge act: events that it is told of, or the time. */
type RuleCause = { EventPattern: object } | { ScheduleExpression: string };

/** A rule of EventBridge that wakes a Lambda function of the stack, with the permission for it. */
export function eventRule(
  logicalId: string,
  { description, cause, target }: { description: string; cause: RuleCause; target: EventTarget },
): Resources {
  return {
    [logicalId]: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Description: description,
        ...cause,
        State: 'ENABLED',
        Targets: [{ Id: target.id, Arn: arnOf(target.functionId) }],
      },
    },
    [`${logicalId}Permission`]: invokePermission(target.functionId, 'events.amazonaws.com', arnOf(logicalId)),
  };
}

export interface EventTarget {
  /** Of the target within its rule. */
  id: string;
  /** Logical id of the Lambda function. */
  functionId: string;
}
