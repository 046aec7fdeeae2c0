import { AwsError } from '../../context';
import { permit } from '../access';
import { verifiedBody } from '../body';
import { notImplemented, S3Error } from '../errors';
import type { Bucket, Operation, S3Environment, S3Request } from '../types';
import { parseXml, xmlDocument } from '../xml';
import { requester } from './writeObject';

const MAX_KEYS = 1000;

export const deleteObject: Operation = async (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:DeleteObject', { bucket, key: request.key });
  await remove(environment, request, bucket, request.key);
  return { status: 204 };
};

/** Each key is allowed or denied by itself. */
export const deleteObjects: Operation = async (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  const { content, verified } = verifiedBody(request);
  if (!verified) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5');
  }
  const { keys, quiet } = readDelete(content);
  const deleted: { Key: string }[] = [];
  const errors: { Key: string; Code: string; Message: string }[] = [];
  for (const key of keys) {
    try {
      permit(environment, request, 's3:DeleteObject', { bucket, key });
      await remove(environment, request, bucket, key);
      deleted.push({ Key: key });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      errors.push({ Key: key, Code: error.code, Message: error.message });
    }
  }
  const body = xmlDocument('DeleteResult', { Deleted: quiet ? [] : deleted, Error: errors });
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
};

async function remove(
  { store, notify }: S3Environment,
  request: S3Request,
  bucket: Bucket,
  key: string,
): Promise<void> {
  const sequencer = store.nextSequencer();
  if (!(await store.delete(bucket, key))) return;
  notify(bucket, { name: 'ObjectRemoved:Delete', key, sequencer, ...requester(request) });
}

/** `<Delete><Object><Key>…</Key></Object>…<Quiet>true</Quiet></Delete>`. Throws MalformedXML, NotImplemented. */
function readDelete(content: Buffer): { keys: string[]; quiet: boolean } {
  const document = parseXml(content.toString('utf8'), 'Delete');
  const objects = document?.['Object'];
  if (!Array.isArray(objects) || objects.length > MAX_KEYS) throw new S3Error('MalformedXML');
  const keys = (objects as unknown[]).map((object) => {
    const { Key: key, ...others } = (typeof object === 'object' ? object : {}) as Record<string, unknown>;
    // `null` is the only version that an object of a bucket without versioning has.
    const condition = Object.keys(others).find(
      (name) => name !== '#text' && !(name === 'VersionId' && others[name] === 'null'),
    );
    if (condition !== undefined) throw notImplemented(`${condition} in DeleteObjects`);
    if (typeof key !== 'string' || key === '') throw new S3Error('MalformedXML');
    return key;
  });
  return { keys, quiet: document?.['Quiet'] === 'true' };
}
