import type { Logger } from 'pino';
import type { Exchange } from '../protocol';
import type { EventDeliveryOptions } from './base/events';
import type { CloudFunctionHostOptions } from './services/lambda/functionHost';
import type { GreengrassOptions } from './services/greengrass';
import type { V1Options } from './services/greengrassV1';
import type { Invocation } from './services/lambda';
import type { Clock } from '../lib/clock';

export interface CloudOptions {
  /** Objects, functions, things and certificates live here and survive a restart. */
  stateDir: string;
  /** Where the code of functions is unpacked; below `stateDir` unless told. */
  codeDir?: string;
  /** `AWS_ENDPOINT_URL…` of services that run elsewhere, for functions. */
  endpoints?: Record<string, string>;
  log?: Logger;
  /** `eu-west-1` unless told. */
  region?: string;
  /** Twelve digits; `000000000000` unless told. */
  account?: string;
  /** What event channels do to their events. */
  faults?: EventDeliveryOptions['faults'];
  /** In [0, 1). Injected, the same faults come again. */
  random?: () => number;
  /** Milliseconds before the second and the third attempt of an asynchronous invocation; AWS: 60,000 and 120,000. */
  retryDelaysMs?: readonly number[];
  /** Drives the processes of Lambda functions. */
  functionHost?: CloudFunctionHostOptions;
  /** Throttles requests to Greengrass, by operation; and what runs deployments of groups. */
  greengrass?: Pick<GreengrassOptions, 'throttle'> & { v1?: V1Options };
  /** Of the endpoint where devices ask for their edge; a free one unless told. */
  discoveryPort?: number;
  /** Drives schedules; a test moves it by hand. */
  scheduleTimers?: Clock;
  onExchange?: (exchange: Exchange) => void;
  onInvocation?: (invocation: Invocation) => void;
}
