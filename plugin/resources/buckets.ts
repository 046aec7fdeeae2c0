import { REQUEST_PREFIX, UPLOAD_PREFIX, UPLOAD_SUFFIX } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { AwsProvider, CloudFormationResource } from '../framework';
import type { SystemFunction } from '../systemFunctions';
import { bucketArn, type Resources } from './resource';

/** The two buckets, and what their events wake. */
export function bucketResources(configuration: EdgeConfiguration, provider: AwsProvider): Resources {
  const lambdaOf = (name: SystemFunction): string => provider.naming.getLambdaLogicalId(name);
  return {
    EdgeFunctionsBucket: bucket(configuration.functionsBucket, {
      dependsOn: 'EdgeCreateFunctionPermission',
      lambda: lambdaOf('createFunction'),
      prefix: UPLOAD_PREFIX,
      suffix: UPLOAD_SUFFIX,
      expire: { uploads: [UPLOAD_PREFIX, 30], results: ['results/', 30] },
    }),
    EdgeStateBucket: bucket(configuration.stateBucket, {
      dependsOn: 'EdgePerformDeploymentPermission',
      lambda: lambdaOf('performDeployment'),
      prefix: REQUEST_PREFIX,
      suffix: '.json',
      expire: { status: ['status/', 14], failures: ['failures/', 30] },
    }),
    EdgeCreateFunctionPermission: permission(
      lambdaOf('createFunction'),
      's3.amazonaws.com',
      bucketArn(configuration.functionsBucket),
    ),
    EdgePerformDeploymentPermission: permission(
      lambdaOf('performDeployment'),
      's3.amazonaws.com',
      bucketArn(configuration.stateBucket),
    ),
  };
}

export function permission(lambda: string, principal: string, sourceArn: unknown): CloudFormationResource {
  return {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: { 'Fn::GetAtt': [lambda, 'Arn'] },
      Principal: principal,
      SourceArn: sourceArn,
      SourceAccount: { Ref: 'AWS::AccountId' },
    },
  };
}

interface BucketOptions {
  dependsOn: string;
  lambda: string;
  prefix: string;
  suffix: string;
  /** Rule id → prefix and days. */
  expire: Record<string, [prefix: string, days: number]>;
}

function bucket(name: unknown, options: BucketOptions): CloudFormationResource {
  return {
    Type: 'AWS::S3::Bucket',
    DependsOn: [options.dependsOn],
    Properties: {
      BucketName: name,
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      LifecycleConfiguration: {
        Rules: Object.entries(options.expire).map(([Id, [Prefix, ExpirationInDays]]) => ({
          Id,
          Prefix,
          ExpirationInDays,
          Status: 'Enabled',
        })),
      },
      NotificationConfiguration: {
        LambdaConfigurations: [
          {
            Event: 's3:ObjectCreated:*',
            Function: { 'Fn::GetAtt': [options.lambda, 'Arn'] },
            Filter: {
              S3Key: {
                Rules: [
                  { Name: 'prefix', Value: options.prefix },
                  { Name: 'suffix', Value: options.suffix },
                ],
              },
            },
          },
        ],
      },
    },
  };
}
