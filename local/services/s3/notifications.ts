import { unquoted } from '../../../lib/awsErrors';
import type { CloudContext } from '../../base/context';
import { arnOfBucket, type Bucket, type NotificationRule, type ObjectChange, type S3Event } from './model';

/** Gives a change to the event delivery, once for each rule of the bucket that it matches. */
export function notifyTargets(context: CloudContext, bucket: Bucket, change: ObjectChange): void {
  for (const [index, rule] of bucket.notifications.entries()) {
    if (!ruleMatches(rule, change)) continue;
    const event = eventOf(context, bucket, change, `notification-${index}`);
    const label = `${change.name} ${bucket.name}/${change.key} → ${rule.arn}`;
    // A copy each time: a target that alters its event must not alter a duplicate's.
    context.events.deliver('s3', label, () => rule.target(structuredClone(event)));
  }
}

function ruleMatches(rule: NotificationRule, { name, key }: ObjectChange): boolean {
  return (
    rule.events.some((event) => eventMatches(event, `s3:${name}`)) &&
    key.startsWith(rule.prefix ?? '') &&
    key.endsWith(rule.suffix ?? '')
  );
}

function eventMatches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

function eventOf(
  context: CloudContext,
  bucket: Bucket,
  change: ObjectChange,
  configurationId: string,
): S3Event {
  const { name, key, object, principalId, requestId, sequencer } = change;
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: context.region,
        eventTime: new Date(object?.lastModified ?? Date.now()).toISOString(),
        eventName: name,
        userIdentity: { principalId },
        requestParameters: { sourceIPAddress: context.host },
        responseElements: { 'x-amz-request-id': requestId, 'x-amz-id-2': `local/${requestId}` },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId,
          bucket: {
            name: bucket.name,
            ownerIdentity: { principalId: context.account },
            arn: arnOfBucket(bucket.name),
          },
          object: {
            key: encodeKey(key),
            ...(object === undefined ? {} : { size: object.body.length, eTag: unquoted(object.etag) }),
            sequencer,
          },
        },
      },
    ],
  };
}

/** As in an HTML form: `+` for a space. Slashes stay. */
function encodeKey(key: string): string {
  return new URLSearchParams({ key }).toString().slice('key='.length).replaceAll('%2F', '/');
}
