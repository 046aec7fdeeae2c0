import { createHash } from 'node:crypto';
import { z } from 'zod';

/**
 * What the engine `greengrass` (V1) and the edge system functions on a V1 core tell each other: the
 * environment that the engine gives them in the group's function definition. V1 was closed by AWS on
 * 2026-10-07, and its last core software runs Node 12 at most, which today's AWS SDKs do not support.
 */
export const V1_SYSTEM_FUNCTIONS = ['edgeCoreMonitor', 'handleDeviceRequest', 'edgeRemoteExecution'] as const;
export type V1SystemFunction = (typeof V1_SYSTEM_FUNCTIONS)[number];

/** Names of the system functions on Lambda, as `performDeployment` gets them in its environment. */
export const v1FunctionNamesSchema = z.strictObject({
  edgeCoreMonitor: z.string(),
  handleDeviceRequest: z.string(),
  edgeRemoteExecution: z.string(),
} satisfies Record<V1SystemFunction, z.ZodType>);

/** The name by which the group of a service and stage is found: `edge-<service>-<stage>-<group>`. */
export function v1GroupName(corePrefix: string, group: string): string {
  return `${v1GroupNamePrefix(corePrefix)}${group}`;
}

/** Other services may have names that begin so, too: `shop` in stage `dev` and `shop-dev` in any. */
export function v1GroupNamePrefix(corePrefix: string): string {
  return `${corePrefix.replaceAll('/', '-')}-`;
}

/** Kinds of definitions that the engine makes. */
export const V1_DEFINITION_KINDS = [
  'cores',
  'devices',
  'functions',
  'loggers',
  'resources',
  'subscriptions',
] as const;
export type V1DefinitionKind = (typeof V1_DEFINITION_KINDS)[number];

/** Of a definition that the engine made for a group; one that somebody else attached has another name. */
export function v1DefinitionName(groupName: string, kind: V1DefinitionKind): string {
  return `${groupName}-${kind}`;
}

/** The newest Node that a V1 core runs, as Lambda names it. */
export const V1_RUNTIME = 'nodejs12.x';

/** Said wherever a user can choose the engine. */
export const V1_WARNING =
  'engine greengrass: AWS closed Greengrass V1 on 2026-10-07, so it deploys to V1-compatible APIs only; a V1 ' +
  'core runs functions on Node 12 at most, which current AWS SDKs do not support. Choose greengrassv2 or direct.';

export const V1_ENVIRONMENT = {
  group: 'EDGE_GROUP',
  core: 'EDGE_CORE',
  devicePrefix: 'EDGE_DEVICE_PREFIX',
  corePrefix: 'EDGE_CORE_PREFIX',
  httpUrl: 'EDGE_HTTP_URL',
  stateDir: 'EDGE_STATE_DIR',
  /** Fingerprints of the functions of this deployment, separated by commas. */
  deployed: 'EDGE_DEPLOYED',
  /** ARN of edgeCoreMonitor, to which the others hand over. */
  monitor: 'EDGE_CORE_MONITOR_ARN',
  /** Of a deployed function: its `name@version`. */
  functionKey: 'EDGE_FUNCTION_KEY',
} as const;

/** The state folder of the system functions: the same path on the core and inside of their containers. */
export const V1_STATE_DIR = '/var/lib/edge-on-demand';

/** Of `name@version`; short, because a variable with two hundred full names would be too long. */
export function functionFingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 12);
}
