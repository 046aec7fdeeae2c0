import { unquoted } from '../../../lib/awsErrors';
import { notImplemented, S3Error } from './errors';
import type { StoredObject } from './model';
import type { S3Request } from './operation';

/**
 * The conditions of a write, checked against the object that is there. Throws PreconditionFailed, and
 * NoSuchKey for If-Match on a missing key, as S3 does.
 * Source: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".
 */
export function checkWrite({ headers, key }: S3Request, existing: StoredObject | undefined): void {
  const ifMatch = headers.get('if-match');
  const ifNoneMatch = headers.get('if-none-match');
  if (ifMatch !== undefined && ifNoneMatch !== undefined) throw notImplemented('If-Match with If-None-Match');
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw notImplemented('If-None-Match other than "*" on a write');
    if (existing !== undefined) throw failed('If-None-Match');
  }
  if (ifMatch !== undefined) {
    if (ifMatch === '*') throw notImplemented('If-Match "*" on a write');
    if (existing === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key });
    if (!names(ifMatch, existing.etag)) throw failed('If-Match');
  }
}

/** The conditions of a read. Throws PreconditionFailed. */
export function checkRead({ headers }: S3Request, object: StoredObject): 'send' | 'notModified' {
  const ifMatch = headers.get('if-match');
  if (ifMatch !== undefined && !names(ifMatch, object.etag)) throw failed('If-Match');
  const ifNoneMatch = headers.get('if-none-match');
  return ifNoneMatch !== undefined && names(ifNoneMatch, object.etag) ? 'notModified' : 'send';
}

/** Clients send ETags with quotes, without, and several. */
function names(condition: string, etag: string): boolean {
  return condition
    .split(',')
    .map((one) => bare(one.trim()))
    .some((one) => one === '*' || one === bare(etag));
}

function bare(etag: string): string {
  return unquoted(etag.replace(/^W\//, ''));
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { Condition: condition });
}
