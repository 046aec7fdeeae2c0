import type { EdgeConfiguration } from '../configuration/configuration';
import type { AwsProvider, CloudFormationResource, Service } from '../framework';

export type Resources = Record<string, CloudFormationResource>;

/** What resources are made from. */
export interface ResourceContext {
  configuration: EdgeConfiguration;
  service: Service;
  provider: AwsProvider;
}

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
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}

export function policyDocument(statements: readonly Statement[]): Record<string, unknown> {
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

export function regionalArn(service: string, resource: string): unknown {
  return sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`);
}

/** `service`: who may assume it. `conditions`: of the trust, where AWS says which keys the service sends. */
export function role(
  service: string | string[],
  statements: Statement[],
  description: string,
  conditions?: Statement['Condition'],
): CloudFormationResource {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      Description: description,
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: service },
            Action: 'sts:AssumeRole',
            ...(conditions === undefined ? {} : { Condition: conditions }),
          },
        ],
      },
      Policies: [{ PolicyName: 'edge', PolicyDocument: policyDocument(statements) }],
    },
  };
}
