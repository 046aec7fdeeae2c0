import type { ResourceProvider } from '../stack/resource';
import { eventBridgeResources } from './eventBridge/cloudFormation';
import { httpApiResources } from './httpApi/cloudFormation';
import { iamResources } from './iam/cloudFormation';
import { iotCoreResources } from './iotCore/cloudFormation';
import { lambdaResources } from './lambda/cloudFormation';
import { logsResources } from './logs/cloudFormation';
import { s3Resources } from './s3/cloudFormation';
import { schedulerResources } from './scheduler/cloudFormation';
import { sqsResources } from './sqs/cloudFormation';

/** Every resource type that the local cloud has, by name: what the services list. */
export const PROVIDERS: ReadonlyMap<string, ResourceProvider> = new Map(
  [
    eventBridgeResources,
    httpApiResources,
    iamResources,
    iotCoreResources,
    lambdaResources,
    logsResources,
    s3Resources,
    schedulerResources,
    sqsResources,
  ]
    .flat()
    .map((provider) => [provider.type, provider]),
);
