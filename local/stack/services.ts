import type { EventBridge } from '../services/eventBridge';
import type { HttpApi } from '../services/httpApi/types';
import type { IotCore } from '../services/iotCore';
import type { Lambda } from '../services/lambda/types';
import type { S3 } from '../services/s3';
import type { Scheduler } from '../services/scheduler';
import type { Queues } from '../services/sqs';
import type { RolePolicies } from '../services/iam/rolePolicies';

/** The services in which a stack makes its resources. */
export interface StackServices {
  roles: RolePolicies;
  s3: S3;
  lambda: Lambda;
  httpApi: HttpApi;
  iotCore: IotCore;
  queues: Queues;
  scheduler: Scheduler;
  eventBridge: EventBridge;
}
