import { z } from 'zod';
import { allowObjects, type Resources, type Statement } from '../../lib/cloudFormation';
import type { Delivery } from '../../protocol';
import type { DeploymentRecords, RevisionNotices, WallClock } from '../ports';
import { READ, WRITE, type StackContext } from '../stackContext';
import type { DeploymentEngine } from './engine';

/** What an engine is made with; clients and settings of its own it finds in the environment. */
export interface EnginePorts {
  notices: RevisionNotices;
  records: DeploymentRecords;
  clock: WallClock;
}

/** `edge.engine` as it is read: the options that several engines have are named here. */
interface EngineOptions {
  name: string;
  sweepMinutes: number;
  /** How functions come to cores where the group says nothing else. */
  delivery?: Delivery;
}

/** What a group may say about its engine. */
interface EngineOptionsOfGroup {
  delivery?: Delivery | undefined;
  target?: string | undefined;
}

/**
 * Everything that an engine needs of a service: the plugin reads its options and composes the stack from
 * this. Descriptors are part of the plugin's bundle, so they import no AWS SDK; `open` is not followed there.
 */
export interface EngineDescriptor {
  /** As `edge.engine` names it. */
  name: string;
  /** `edge.engine` with this name. */
  options: z.ZodType<EngineOptions>;
  /** Options that groups have for it. */
  groupOptions?: z.ZodRawShape;
  /** The part of a group's file that is the engine's. */
  groupEngine?: (
    options: EngineOptions,
    group: EngineOptionsOfGroup,
  ) => { delivery: Delivery; targetArn?: string };
  /** Whether it deploys versions of Lambda functions, so that functions of every location need one. */
  deploysLambdaVersions?: boolean;
  /** What performDeployment does with the engine's service, and with what that tells it. */
  statements: (stack: StackContext) => Statement[];
  /** Of performDeployment. */
  environment?: (stack: StackContext) => Record<string, unknown>;
  resources?: (stack: StackContext) => Resources;
  /** Lambda functions of the stack that are there for the engine and never run in the cloud. */
  functions?: readonly CarriedFunction[];
  /** Services beside the credentials provider that may assume the role of cores. */
  coreServices?: readonly string[];
  /** What cores may do beside what they may with every engine. */
  coreStatements?: (stack: StackContext) => Statement[];
  /** Said at each packaging. */
  warning?: string;
  open: (ports: EnginePorts) => Promise<DeploymentEngine>;
}

export interface CarriedFunction {
  name: string;
  description: string;
  /** Path of its prebuilt package below dist/. */
  bundle: string;
}

/** Greengrass allows a few deployments a second per account: the SDK waits as it is told, and slows down. */
export const THROTTLED = { retryMode: 'adaptive', maxAttempts: 8 };

/** The engine that a service has chosen, with its options. */
export interface ChosenEngine {
  descriptor: EngineDescriptor;
  options: EngineOptions;
}

const MINUTES_OF_A_DAY = 24 * 60;

export const sweepMinutes = z
  .int()
  .min(1)
  .max(MINUTES_OF_A_DAY)
  .default(5)
  .describe('How often the sweep looks for updates and deployments whose events got lost, in minutes.');

/**
 * What did not come to the edge is rolled back by an update, with the last good version from the registry:
 * of any group and any function, which come after the stack.
 */
export function allowRollbacks({ stateBucket }: StackContext): Statement[] {
  return [
    allowObjects(stateBucket, WRITE, ['requests/*']),
    allowObjects(stateBucket, READ, ['registry/*/index.json']),
  ];
}
