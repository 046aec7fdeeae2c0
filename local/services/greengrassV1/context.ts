import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { CloudContext } from '../../base/context';
import { pageOf, readJsonBody, type Page } from '../../base/rest/input';
import { routesOf, type RestCall } from '../../base/rest/service';
import type { z } from 'zod';
import { invalidInput } from './errors';
import type { DeploymentOfGroup, V1State } from './state';

/** What becomes of a deployment on the core: it reports one of these. */
export type CoreOutcome =
  | { status: 'Success' }
  | { status: 'Failure'; errorMessage: string; errorDetails?: DeploymentOfGroup['errorDetails'] };

/** What a core gets to run. */
export interface CoreDelivery {
  deploymentId: string;
  groupId: string;
  groupName: string;
  type: DeploymentOfGroup['type'];
  /** By the group version's fields, the content that each ARN names. */
  definitions: Record<string, Record<string, unknown>>;
}

/** A simulated V1 core. Undefined, or a promise that never resolves: it is offline, so in progress. */
type V1Core = (delivery: CoreDelivery) => Promise<CoreOutcome> | undefined;

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
  onStatusChange?: (event: StatusChange) => void;
  /** Runs the next step of a deployment, never at once. */
  schedule?: (step: () => void) => void;
  /** True: this request is answered with a throttling error. */
  throttle?: (operation: string) => boolean;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Entries of a page where the request names no number. */
  pageSize?: number;
  /** Whether Lambda has this version or alias; left out, every one counts as there. */
  functionExists?: (qualifiedArn: string) => boolean;
}

/** A route of the service: `groupsRoute(operation, line, resources, handle)`. */
export const groupsRoute = routesOf('greengrass');

/** What the parts of the V1 control plane share. */
export interface ControlPlane {
  readonly cloud: CloudContext;
  /** PEM of the authority that signs the cores' server certificates. */
  readonly caPem: string;
  readonly state: V1State;
  readonly log: Logger;
  readonly options: V1Options;
  now: () => number;
  newId: () => string;
  /** The ARN of a path below `/greengrass/`. */
  arn: (path: string) => string;
  /** Throws InvalidInputException. */
  page: <T>(call: RestCall, all: readonly T[]) => Page<T>;
}

export function createControlPlane(
  parts: Pick<ControlPlane, 'cloud' | 'caPem' | 'state' | 'log' | 'options'>,
): ControlPlane {
  const { cloud, options } = parts;
  const paging = {
    ...{ token: 'NextToken', size: 'MaxResults', most: options.pageSize ?? 50 },
    refuse: () => invalidInput('NextToken or MaxResults is invalid'),
  };
  return {
    ...parts,
    now: options.now ?? (() => Date.now()),
    newId: () => randomUUID(),
    arn: (path) => `arn:aws:greengrass:${cloud.region}:${cloud.account}:/greengrass/${path}`,
    page: (call, all) => pageOf(all, call.query, paging),
  };
}

/** Throws InvalidInputException naming the first field that is wrong or not supported. */
export function requestInput<S extends z.ZodType>({ body }: RestCall, schema: S): z.output<S> {
  return readJsonBody(body, schema, 'InvalidInputException');
}

/** As AWS sends times: ISO 8601. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
