import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { CloudContext } from '../../base/context';
import type { RestCall, RestPermission, RestRoute } from '../../base/rest/service';
import { invalidInput } from './errors';
import type { Container, ContainerVersion, DeploymentRecord, V1State } from './state';

/** What becomes of a deployment on the core: it reports one of these. */
export type CoreOutcome =
  | { status: 'Success' }
  | { status: 'Failure'; errorMessage: string; errorDetails?: DeploymentRecord['errorDetails'] };

/** What a core gets to run. */
export interface CoreDelivery {
  deploymentId: string;
  groupId: string;
  groupName: string;
  type: DeploymentRecord['type'];
  /** By the group version's fields, the content that each ARN names. */
  definitions: Record<string, Record<string, unknown>>;
}

/** A simulated V1 core. Undefined, or a promise that never resolves: it is offline, so in progress. */
export type V1Core = (delivery: CoreDelivery) => Promise<CoreOutcome> | undefined;

/** `Greengrass Deployment Status Change`, as EventBridge gets it. */
export interface StatusChange {
  'detail-type': 'Greengrass Deployment Status Change';
  source: 'aws.greengrass';
  time: string;
  resources: string[];
  detail: { 'group-id': string; 'deployment-id': string; 'deployment-type': string; status: string };
}

export interface V1Options {
  core?: V1Core;
  /** ARN of the account's service role until another one is associated; left out, there is none. */
  serviceRole?: string;
  /** After each change of a deployment's status. */
  onStatusChange?(event: StatusChange): void;
  /** Runs the next step of a deployment, never at once. */
  schedule?(step: () => void): void;
  /** True: this request is answered with a throttling error. */
  throttle?(operation: string): boolean;
  /** Milliseconds since the epoch. */
  now?(): number;
  /** Entries of a page where the request names no number. */
  pageSize?: number;
  /** Whether Lambda has this version or alias; left out, every one counts as there. */
  functionExists?(qualifiedArn: string): boolean;
}

/** What the parts of the V1 control plane share. */
export interface V1Context {
  readonly cloud: CloudContext;
  /** PEM of the authority that signs the cores' server certificates. */
  readonly caPem: string;
  readonly state: V1State;
  readonly log: Logger;
  readonly options: V1Options;
  now(): number;
  newId(): string;
  /** The ARN of a path below `/greengrass/`. */
  arn(path: string): string;
  page<T>(call: RestCall, all: readonly T[]): { items: T[]; next: string | undefined };
}

export type { Container, ContainerVersion, RestPermission, RestCall, RestRoute };

export function createV1Context(
  parts: Pick<V1Context, 'cloud' | 'caPem' | 'state' | 'log' | 'options'>,
): V1Context {
  const { cloud, options } = parts;
  return {
    ...parts,
    now: options.now ?? (() => Date.now()),
    newId: () => randomUUID(),
    arn: (path) => `arn:aws:greengrass:${cloud.region}:${cloud.account}:/greengrass/${path}`,
    page: (call, all) => pageOf(call, all, options.pageSize ?? 50),
  };
}

function pageOf<T>(
  { query }: RestCall,
  all: readonly T[],
  pageSize: number,
): { items: T[]; next: string | undefined } {
  const start = Number(query.get('NextToken') ?? 0);
  const size = Math.min(Number(query.get('MaxResults') ?? pageSize), pageSize);
  const isWhole = Number.isInteger(start) && start >= 0 && Number.isInteger(size) && size > 0;
  if (!isWhole) throw invalidInput('NextToken or MaxResults is invalid');
  const end = start + size;
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined };
}
