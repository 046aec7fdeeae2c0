import type { EventBridge } from '../eventBridge';
import type { HttpApi } from '../httpApi/types';
import type { IotCore } from '../iotCore';
import type { Lambda } from '../lambda/types';
import type { S3 } from '../s3';
import type { Scheduler } from '../scheduler';
import type { Queues } from '../sqs';
import type { RolePolicies } from './rolePolicies';

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
