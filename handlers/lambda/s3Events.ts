import { unquoted } from '../../lib/awsErrors';

/** One record of an S3 event notification. Events come at least once and in any order. */
export interface S3EventRecord {
  bucket: string;
  /** Decoded. */
  key: string;
  /** Without quotes; absent for what is no put. */
  etag?: string;
  /** ISO 8601: when S3 finished the put. */
  at?: string;
}

/** The records of an S3 event; none for anything else (such as the test event of a new notification). */
export function s3Records(event: unknown): S3EventRecord[] {
  const records = (event as { Records?: unknown } | null | undefined)?.Records;
  return Array.isArray(records) ? records.flatMap(readRecord) : [];
}

function readRecord(record: unknown): S3EventRecord[] {
  const { s3, eventTime } = (record ?? {}) as {
    s3?: { bucket?: { name?: unknown }; object?: { key?: unknown; eTag?: unknown } };
    eventTime?: unknown;
  };
  const key = s3?.object?.key;
  if (typeof key !== 'string') return [];
  return [
    {
      bucket: typeof s3?.bucket?.name === 'string' ? s3.bucket.name : '',
      key: decodeKey(key),
      ...(typeof s3?.object?.eTag === 'string' && { etag: unquoted(s3.object.eTag) }),
      ...(typeof eventTime === 'string' && { at: eventTime }),
    },
  ];
}

/** S3 encodes keys in events as a form does: a space is "+". */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}
