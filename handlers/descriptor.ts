import type { Resources, Statement } from '../lib/cloudFormation';
import type { CoreKind, RouteName } from '../protocol';
import type { ChosenEngine } from './engines/descriptor';
import type { StackContext } from './stackContext';

export interface ServiceStack extends StackContext {
  engine: ChosenEngine;
}

/**
 * Everything that a cloud system function needs: the plugin makes the Lambda function, its role and its
 * events from this. Descriptors are part of the plugin's bundle, so they import no AWS SDK.
 */
export interface SystemFunctionDescriptor {
  /** Also of its folder, where `lambda.ts` is the entry of its bundle. */
  name: string;
  /** MiB: reading a package needs room. */
  memory: number;
  /** Seconds: a route answers within 30. */
  timeout: number;
  trigger: Trigger;
  /** Beside what all system functions have: see plugin/systemFunctions.ts. */
  environment?: (stack: ServiceStack) => Record<string, unknown>;
  /** What it does on AWS beside writing its log. Statements without a resource are left out. */
  statements: (stack: ServiceStack) => Statement[];
  /** Resources of its own beside the Lambda function, its role and its events. */
  resources?: (stack: ServiceStack) => Resources;
  /** Where an event goes that it failed to handle after every retry; absent where its caller gets the error. */
  failures?: 'queue';
}

interface Trigger {
  /** Routes of the HTTP API, all with IAM authorisation. */
  routes?: readonly RouteName[];
  /** Objects that are put into one of the two buckets. */
  objects?: { bucket: 'functions' | 'state'; prefix: string; suffix: string };
  /** Messages of edge cores on a topic of their own. */
  coreMessages?: {
    kind: CoreKind;
    /** Logical id of the topic rule. */
    rule: string;
    description: string;
    /** What IoT SQL selects from the message; `core` is the expression for the core's name. */
    select: (core: string) => string;
  };
  /** Minutes from one scheduled call to the next. */
  everyMinutes?: (stack: ServiceStack) => number;
}
