import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { keys } from '../../protocol';
import { newMeta, type OperatorAccess } from './changeGroup';
import { emptyUpdate } from './groupUpdate';
import { readText } from '../objects';
import { requireDefinition } from '../inspection/overview';
import { poll, type PollOptions } from '../poll';

/**
 * Lets the engine roll out the definition that a group has, once more. A revision without a record was
 * perhaps never announced, so `performDeployment` applies it again; an update of nothing wakes it.
 * Resolves once the engine has written its record anew. Throws GROUP_NOT_FOUND, TIMED_OUT.
 */
export async function reannounce(
  access: OperatorAccess,
  group: string,
  options?: PollOptions,
): Promise<number> {
  const { operator, outputs } = access;
  const { s3 } = operator.clients;
  const bucket = outputs.stateBucket;
  const { revision } = await requireDefinition(access, group);
  const Key = keys.deployment(group, revision);
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  await operator.submitUpdate(bucket, emptyUpdate(group, newMeta()));
  await poll(`the deployment of group ${group}`, options, async () => {
    const now = await operator.definition(bucket, group);
    return readText(s3, bucket, keys.deployment(group, now?.revision ?? revision));
  });
  return revision;
}
