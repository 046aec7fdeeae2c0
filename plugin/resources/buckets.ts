import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import {
  arnOf,
  bucketArn,
  invokePermission,
  policyOf,
  type CloudFormationResource,
  type Resources,
} from '../../lib/cloudFormation';
import { REQUEST_PREFIX, UPLOAD_PREFIX } from '../../protocol';
import { capitalised } from './names';
import type { TemplateContext } from './templateContext';

/** The two buckets, and what their events wake. Of buckets that exist already the stack makes nothing. */
export function bucketResources(context: TemplateContext): Resources {
  const { buckets } = context.configuration.section;
  return {
    ...(buckets.functions?.existing ? {} : functionsBucket(context)),
    ...(buckets.state?.existing ? {} : stateBucket(context)),
  };
}

function functionsBucket({ configuration, stack }: TemplateContext): Resources {
  const { uploads, results, edgeLogs } = configuration.section.retention;
  return bucket('EdgeFunctionsBucket', configuration.functionsBucket, {
    wakes: wokenBy('functions', stack),
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
function stateBucket({ configuration, stack }: TemplateContext): Resources {
  const { retention } = configuration.section;
  return bucket('EdgeStateBucket', configuration.stateBucket, {
    wakes: wokenBy('state', stack),
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

/** A function that is invoked when an object is put into a bucket. */
interface WokenFunction {
  /** Logical ids of the Lambda function, and of the permission to invoke it. */
  lambda: string;
  permission: string;
  prefix: string;
  suffix: string;
}

function wokenBy(which: 'functions' | 'state', stack: TemplateContext['stack']): WokenFunction[] {
  return SYSTEM_FUNCTIONS.flatMap(({ name, trigger: { objects } }) =>
    objects?.bucket !== which
      ? []
      : [
          {
            ...objects,
            lambda: stack.functionId(name),
            permission: `Edge${capitalised(name)}Permission`,
          },
        ],
  );
}

interface BucketOptions {
  wakes: readonly WokenFunction[];
  lifecycle: object[];
  properties?: Record<string, unknown>;
}

function bucket(
  logicalId: string,
  name: unknown,
  { wakes, lifecycle, properties }: BucketOptions,
): Resources {
  return {
    [logicalId]: {
      Type: 'AWS::S3::Bucket',
      DependsOn: wakes.map(({ permission }) => permission),
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
          LambdaConfigurations: wakes.map(({ lambda, prefix, suffix }) => ({
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
          })),
        },
        ...properties,
      },
    },
    ...Object.fromEntries(
      wakes.map(({ permission, lambda }) => [
        permission,
        invokePermission(lambda, 's3.amazonaws.com', bucketArn(name)),
      ]),
    ),
    [`${logicalId}Policy`]: overTlsOnly(logicalId, name),
  };
}

function overTlsOnly(logicalId: string, name: unknown): CloudFormationResource {
  return {
    Type: 'AWS::S3::BucketPolicy',
    Properties: {
      Bucket: { Ref: logicalId },
      PolicyDocument: policyOf([
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
