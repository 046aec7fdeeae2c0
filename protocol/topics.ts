import { SHARED } from './sharedTopics';

/**
 * Every MQTT topic of the product. Two families:
 *
 * - Device topics live on the edge core's own broker under a prefix that is the same on every edge
 *   (default `edge`), because a moving device knows only its own name:
 *   `<prefix>/<device>/ask/<kind>`, `<prefix>/<device>/reply/<kind>`, `<prefix>/<device>/call/<function>`,
 *   the retained `<prefix>/status`, and `<prefix>/shared/…`, where functions publish.
 * - Core topics live on the cloud's broker under a prefix per service and stage
 *   (`edge/<service>-<stage>`): `<prefix>/core/<core>/<kind>`.
 *
 * The identity of the sender is the topic segment that the broker's policy ties to its certificate.
 */
export const DEFAULT_DEVICE_PREFIX = 'edge';

export const ASKS = ['join', 'request', 'confirm', 'release', 'prefetch', 'invoke'] as const;
export type Ask = (typeof ASKS)[number];

export const REPLIES = [
  'joined',
  'available',
  'progress',
  'ready',
  'released',
  'prefetched',
  'result',
  'failed',
] as const;
export type Reply = (typeof REPLIES)[number];

export type DeviceTopic =
  { device: string; kind: 'ask'; ask: Ask } | { device: string; kind: 'call'; function: string };

export function askTopic(prefix: string, device: string, ask: Ask): string {
  return `${prefix}/${device}/ask/${ask}`;
}

export function replyTopic(prefix: string, device: string, reply: Reply | '+'): string {
  return `${prefix}/${device}/reply/${reply}`;
}

export function callTopic(prefix: string, device: string, functionName: string): string {
  return `${prefix}/${device}/call/${functionName}`;
}

/** Retained, edge to all devices: `{ state, revision }`. */
export function statusTopic(prefix: string): string {
  return `${prefix}/status`;
}

/** What a topic that a device published to means, or undefined if it is none of ours. */
export function parseDeviceTopic(prefix: string, topic: string): DeviceTopic | undefined {
  if (!topic.startsWith(`${prefix}/`)) return undefined;
  const [device, kind, name, ...rest] = topic.slice(prefix.length + 1).split('/');
  if (!device || !name || rest.length > 0 || device === SHARED) return undefined;
  if (kind === 'ask' && (ASKS as readonly string[]).includes(name)) {
    return { device, kind, ask: name as Ask };
  }
  return kind === 'call' ? { device, kind, function: name } : undefined;
}

export const CORE_KINDS = ['update', 'status', 'log', 'revision', 'accepted', 'refused'] as const;
/** `update`, `status` and `log` go up; `revision` (retained), `accepted` and `refused` come down. */
export type CoreKind = (typeof CORE_KINDS)[number];

export function defaultCorePrefix(service: string, stage: string): string {
  return `edge/${service}-${stage}`;
}

export function coreTopic(prefix: string, core: string, kind: CoreKind): string {
  return `${prefix}/core/${core}/${kind}`;
}
