import type { Logger } from 'pino';
import type { CloudContext, PolicyDocument, Principal, Service } from '../../base/context';
import type { HttpResponse } from '../../base/http';
import type { ObjectStore } from './store';

/** S3 on one machine: the wire protocol at `url`, and what CloudFormation and other services use in-process. */
export interface S3 extends Service {
  /** A bucket that exists already is no error: it is this account's. Throws AwsError InvalidBucketName. */
  createBucket(name: string): Promise<void>;
  /** Throws AwsError NoSuchBucket, BucketNotEmpty. */
  deleteBucket(name: string): Promise<void>;
  /** What is written over or deleted from now on is kept as an older version, or no longer. */
  setVersioning(bucket: string, enabled: boolean): void;
  /**
   * Replaces those of the bucket's notifications that this owner has set before. Not kept over a restart:
   * targets are functions.
   */
  setNotifications(bucket: string, rules: readonly NotificationRule[], owner?: string): void;
  /** Not kept over a restart: the template says it again. */
  setBucketPolicy(bucket: string, policy: PolicyDocument | undefined): void;
  /** Notifies as a PutObject over the wire does. */
  putObject(
    bucket: string,
    key: string,
    body: Buffer | string,
    options?: { contentType?: string },
  ): Promise<{ etag: string }>;
  /** Throws AwsError NoSuchBucket, NoSuchKey. */
  getObject(bucket: string, key: string): Promise<Buffer>;
  /** Removes every object, without notifications. */
  emptyBucket(bucket: string): Promise<void>;
  bucketArn(bucket: string): string;
}

export interface NotificationRule {
  /** `s3:ObjectCreated:*`, `s3:ObjectRemoved:Delete`, … */
  events: readonly string[];
  prefix?: string;
  suffix?: string;
  /** What is notified: the ARN of the Lambda function. */
  arn: string;
  target: (event: S3Event) => Promise<void>;
}

/** Source: Amazon S3 User Guide, "Event message structure". */
export interface S3Event {
  Records: S3EventRecord[];
}

export interface S3EventRecord {
  eventVersion: string;
  eventSource: 'aws:s3';
  awsRegion: string;
  /** ISO 8601. */
  eventTime: string;
  /** `ObjectCreated:Put`, without `s3:`. */
  eventName: string;
  userIdentity: { principalId: string };
  requestParameters: { sourceIPAddress: string };
  responseElements: { 'x-amz-request-id': string; 'x-amz-id-2': string };
  s3: {
    s3SchemaVersion: string;
    configurationId: string;
    bucket: { name: string; ownerIdentity: { principalId: string }; arn: string };
    /** `key` is URL-encoded, with `+` for a space; `eTag` without quotes; removals have no size and eTag. */
    object: { key: string; size?: number; eTag?: string; sequencer: string };
  };
}

export interface StoredObject {
  key: string;
  body: Buffer;
  /** Quoted MD5. */
  etag: string;
  /** Milliseconds since the epoch. */
  lastModified: number;
  /** Those that are answered as they were given: content-type, cache-control, … */
  headers: Record<string, string>;
  /** Without the prefix `x-amz-meta-`. */
  metadata: Record<string, string>;
  checksum?: Checksum;
  /** In a versioned bucket. */
  versionId?: string;
}

export type ChecksumAlgorithm = 'crc32' | 'crc32c' | 'sha1' | 'sha256';

export interface Checksum {
  algorithm: ChecksumAlgorithm;
  /** Base64. */
  value: string;
}

/** What a key was before, or that it was deleted. */
export interface OlderVersion {
  versionId: string;
  /** Milliseconds since the epoch. */
  lastModified: number;
  /** Absent: a delete marker. */
  object?: StoredObject;
}

export interface Bucket {
  name: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  objects: Map<string, StoredObject>;
  versioned?: boolean;
  /** Of a versioned bucket: what is not the current object of a key, the youngest first. */
  older: Map<string, OlderVersion[]>;
  policy?: PolicyDocument;
  notifications: readonly (NotificationRule & { owner: string })[];
}

/** An authenticated request, taken apart. */
export interface S3Request {
  method: string;
  /** Path and query as received. */
  resource: string;
  /** Empty for requests to the service. */
  bucket: string;
  /** Empty for requests to a bucket. */
  key: string;
  query: ReadonlyMap<string, string>;
  /** Lower-case names. A presigned request carries its x-amz-* headers in the query: they are here too. */
  headers: ReadonlyMap<string, string>;
  /** As received; `aws-chunked` is not yet decoded. */
  body: Buffer;
  principal: Principal;
  requestId: string;
}

/** What an operation works with. */
export interface S3Environment {
  context: CloudContext;
  store: ObjectStore;
  log: Logger;
  /** Tells the bucket's targets that something became of an object. */
  notify(bucket: Bucket, change: ObjectChange): void;
}

export interface ObjectChange {
  name:
    'ObjectCreated:Put' | 'ObjectCreated:Copy' | 'ObjectRemoved:Delete' | 'ObjectRemoved:DeleteMarkerCreated';
  key: string;
  /** Absent when it was removed. */
  object?: StoredObject;
  principalId: string;
  requestId: string;
  /** Rises with each change of a key; compared as text of equal length. */
  sequencer: string;
}

export type Operation = (
  environment: S3Environment,
  request: S3Request,
) => Promise<HttpResponse> | HttpResponse;
