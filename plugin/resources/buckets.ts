import { REQUEST_PREFIX, UPLOAD_PREFIX, UPLOAD_SUFFIX } from '../../protocol';
import type { CloudFormationResource } from '../framework';
import type { SystemFunction } from '../systemFunctions';
import { arnOf, bucketArn, policyDocument, type ResourceContext, type Resources } from './resource';

/** The two buckets, and what their events wake. Of buckets that exist already the stack makes nothing. */
export function bucketResources(context: ResourceContext): Resources {
  const { buckets } = context.configuration.section;
  return {
    ...(buckets.functions?.existing ? {} : functionsBucket(context)),
    ...(buckets.state?.existing ? {} : stateBucket(context)),
  };
}

function functionsBucket({ configuration, provider }: ResourceContext): Resources {
  const { uploads, results, edgeLogs } = configuration.section.retention;
  return bucket('EdgeFunctionsBucket', configuration.functionsBucket, {
    permission: 'EdgeCreateFunctionPermission',
    lambda: lambdaId(provider, 'createFunction'),
    filter: [UPLOAD_PREFIX, UPLOAD_SUFFIX],
    lifecycle: [
      expiry('uploads', UPLOAD_PREFIX, uploads),
      expiry('results', 'results/', results),
      expiry('edge-logs', 'logs/', edgeLogs),
      {
        Id: 'unfinished-uploads',
        Status: 'Enabled',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
    ],
  });
}

/**
 * Versioned, because the registry and the definitions are written over in place: what an operator
 * deletes or spoils by hand can be brought back. Older versions of the rest are of no use.
 */
function stateBucket({ configuration, provider }: ResourceContext): Resources {
  const { retention } = configuration.section;
  return bucket('EdgeStateBucket', configuration.stateBucket, {
    permission: 'EdgePerformDeploymentPermission',
    lambda: lambdaId(provider, 'performDeployment'),
    filter: [REQUEST_PREFIX, '.json'],
    lifecycle: [
      // Of a core that is gone. One that lives has 101 objects at most, and writes over them.
      expiry('status', 'status/', retention.status),
      replaced('reports', 'status/', 1),
      expiry('failures', 'failures/', retention.failures),
      expiry('deployments', 'deployments/', retention.revisions),
      expiry('revisions', 'revisions/', retention.revisions),
      // What a definition was before is among the revisions.
      replaced('definitions', 'groups/', 7),
      // Written once and removed: many of them would make listing slow.
      replaced('absorbed-requests', REQUEST_PREFIX, 1),
      {
        Id: 'replaced',
        Status: 'Enabled',
        NoncurrentVersionExpiration: { NoncurrentDays: REPLACED_DAYS },
        ExpiredObjectDeleteMarker: true,
      },
    ],
    properties: { VersioningConfiguration: { Status: 'Enabled' } },
  });
}

/** Time enough to notice that something was spoilt. */
const REPLACED_DAYS = 30;

interface BucketOptions {
  /** Logical id of the permission to call the function. */
  permission: string;
  lambda: string;
  filter: [prefix: string, suffix: string];
  lifecycle: object[];
  properties?: Record<string, unknown>;
}

function bucket(
  logicalId: string,
  name: unknown,
  { permission: permissionId, lambda, filter, lifecycle, properties }: BucketOptions,
): Resources {
  const [prefix, suffix] = filter;
  return {
    [logicalId]: {
      Type: 'AWS::S3::Bucket',
      DependsOn: [permissionId],
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
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        LifecycleConfiguration: { Rules: lifecycle },
        NotificationConfiguration: {
          LambdaConfigurations: [
            {
              Event: 's3:ObjectCreated:*',
              Function: arnOf(lambda),
              Filter: {
                S3Key: {
                  Rules: [
                    { Name: 'prefix', Value: prefix },
                    { Name: 'suffix', Value: suffix },
                  ],
                },
              },
            },
          ],
        },
        ...properties,
      },
    },
    [permissionId]: permission(lambda, 's3.amazonaws.com', bucketArn(name)),
    [`${logicalId}Policy`]: overTlsOnly(logicalId, name),
  };
}

function overTlsOnly(logicalId: string, name: unknown): CloudFormationResource {
  return {
    Type: 'AWS::S3::BucketPolicy',
    Properties: {
      Bucket: { Ref: logicalId },
      PolicyDocument: policyDocument([
        {
          // Nobody, nothing and no object: it takes rights away and gives none.
          Effect: 'Deny',
          Principal: '*',
          Action: ['s3:*'],
          Resource: [bucketArn(name), bucketArn(name, '*')],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ]),
    },
  };
}

function expiry(Id: string, Prefix: string, ExpirationInDays: number): object {
  return { Id, Prefix, ExpirationInDays, Status: 'Enabled' };
}

/** Where rules overlap, the shortest time counts. */
function replaced(Id: string, Prefix: string, NoncurrentDays: number): object {
  return { Id, Prefix, Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays } };
}

function lambdaId(provider: ResourceContext['provider'], name: SystemFunction): string {
  return provider.naming.getLambdaLogicalId(name);
}

export function permission(lambda: string, principal: string, sourceArn: unknown): CloudFormationResource {
  return {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: arnOf(lambda),
      Principal: principal,
      SourceArn: sourceArn,
      SourceAccount: { Ref: 'AWS::AccountId' },
    },
  };
}
