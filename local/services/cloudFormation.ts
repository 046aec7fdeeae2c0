import type { ResourceProvider } from '../stack/resource';
import { api, integration, route, stage } from './httpApi/cloudFormation';
import { managedPolicy, policy, role } from './iam/cloudFormation';
import { iotPolicy, roleAlias, thing, thingGroup, topicRule } from './iotCore/cloudFormation';
import { alias, eventInvokeConfig, lambdaFunction, permission, version } from './lambda/cloudFormation';
import { logGroup } from './logs/cloudFormation';
import { existingBucket } from './s3/existingBucket';
import { bucket, bucketPolicy } from './s3/cloudFormation';
import { eventsRule } from './eventBridge/cloudFormation';
import { schedule } from './scheduler/cloudFormation';
import { queue, queuePolicy } from './sqs/cloudFormation';

const ALL: readonly ResourceProvider[] = [
  ...[bucket, bucketPolicy, existingBucket],
  logGroup,
  ...[role, policy, managedPolicy],
  ...[lambdaFunction, version, alias, permission, eventInvokeConfig],
  ...[api, stage, integration, route],
  ...[topicRule, iotPolicy, roleAlias, thing, thingGroup],
  ...[eventsRule, schedule],
  ...[queue, queuePolicy],
];

/** Every resource type that the local cloud has, by name. */
export const PROVIDERS: ReadonlyMap<string, ResourceProvider> = new Map(
  ALL.map((provider) => [provider.type, provider]),
);
