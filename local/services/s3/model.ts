import type { PolicyDocument } from '../../base/context';

/** What S3 keeps: buckets, objects, their versions; and what it tells of a change. */
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

interface S3EventRecord {
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

export function arnOfBucket(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}
