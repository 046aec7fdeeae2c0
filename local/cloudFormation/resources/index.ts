import type { ResourceProvider } from '../resource';
import { api, integration, route, stage } from './apiGateway';
import { managedPolicy, policy, role } from './iam';
import { iotPolicy, roleAlias, thing, thingGroup, topicRule } from './iot';
import { alias, eventInvokeConfig, lambdaFunction, permission, version } from './lambda';
import { logGroup } from './logs';
import { existingBucket } from './existingBucket';
import { bucket, bucketPolicy } from './s3';
import { eventsRule } from './events/rule';
import { schedule } from './events/schedule';
import { queue, queuePolicy } from './sqs';

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
