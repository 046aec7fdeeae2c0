import { AwsError } from '../../../base/context';
import { permit } from '../operation';
import { verifiedBody } from '../body';
import { notImplemented, S3Error } from '../errors';
import type { Bucket } from '../model';
import type { S3Operation, S3Environment, S3Request } from '../operation';
import { parseXml, xmlResponse } from '../xml';
import { requester } from './writeObject';

const MAX_KEYS = 1000;

interface Target {
  key: string;
  versionId?: string;
}

interface Deleted {
  Key: string;
  VersionId?: string;
  DeleteMarker?: true;
  DeleteMarkerVersionId?: string;
}

export const deleteObject: S3Operation = async (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  const versionId = request.query.get('versionId');
  const target = { key: request.key, ...(versionId !== undefined && { versionId }) };
  const deleted = await remove(environment, request, bucket, target);
  const version = deleted.DeleteMarkerVersionId ?? deleted.VersionId;
  return {
    status: 204,
    headers: {
      ...(version !== undefined && { 'x-amz-version-id': version }),
      ...(deleted.DeleteMarker && { 'x-amz-delete-marker': 'true' }),
    },
  };
};

/** Each key is allowed or denied by itself. */
export const deleteObjects: S3Operation = async (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  const { content, verified } = verifiedBody(request);
  if (!verified) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5');
  }
  const { targets, quiet } = readDelete(content);
  const deleted: Deleted[] = [];
  const errors: { Key: string; Code: string; Message: string }[] = [];
  for (const target of targets) {
    try {
      deleted.push(await remove(environment, request, bucket, target));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      errors.push({ Key: target.key, Code: error.code, Message: error.message });
    }
  }
  return xmlResponse('DeleteResult', { Deleted: quiet ? [] : deleted, Error: errors });
};

async function remove(
  environment: S3Environment,
  request: S3Request,
  bucket: Bucket,
  { key, versionId }: Target,
): Promise<Deleted> {
  const { store, notify } = environment;
  const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
  permit(environment, request, action, { bucket, key });
  const change = { key, sequencer: store.nextSequencer(), ...requester(request) };
  if (versionId !== undefined) {
    const removed = await store.deleteVersion(bucket, key, versionId);
    if (removed) notify(bucket, { name: 'ObjectRemoved:Delete', ...change });
    return { Key: key, VersionId: versionId };
  }
  const { removed, marker } = await store.delete(bucket, key);
  if (marker !== undefined) {
    notify(bucket, { name: 'ObjectRemoved:DeleteMarkerCreated', ...change });
    return { Key: key, DeleteMarker: true, DeleteMarkerVersionId: marker };
  }
  if (removed) notify(bucket, { name: 'ObjectRemoved:Delete', ...change });
  return { Key: key };
}

/** `<Delete><Object><Key>…</Key></Object>…<Quiet>true</Quiet></Delete>`. Throws MalformedXML, NotImplemented. */
function readDelete(content: Buffer): { targets: Target[]; quiet: boolean } {
  const document = parseXml(content.toString('utf8'), 'Delete');
  const objects = document?.['Object'];
  if (!Array.isArray(objects) || objects.length > MAX_KEYS) throw new S3Error('MalformedXML');
  return { targets: (objects as unknown[]).map(readTarget), quiet: document?.['Quiet'] === 'true' };
}

function readTarget(object: unknown): Target {
  const fields = (typeof object === 'object' ? object : {}) as Record<string, unknown>;
  const { Key: key, VersionId: versionId, ...others } = fields;
  const condition = Object.keys(others).find((name) => name !== '#text');
  if (condition !== undefined) throw notImplemented(`${condition} in DeleteObjects`);
  if (typeof key !== 'string' || key === '') throw new S3Error('MalformedXML');
  return { key, ...(typeof versionId === 'string' && { versionId }) };
}
