import {
  ASKS,
  askTopic,
  callTopic,
  coreTopic,
  entitledPatterns,
  isActiveDevice,
  matchesAnyDevicePattern,
  replyTopic,
  statusTopic,
  type GroupDefinition,
  type WantedFunction,
} from '../../../protocol';
import type { Subscription } from './content';
import { entryId, thingArn } from './entries';
import type { GreengrassV1Settings, SystemFunctionArns } from './systemFunctions';

/**
 * Who may send what to whom on a V1 core; there is no other way for a message. As the paper has it: the
 * common topics once for each device that joins, and a dedicated topic for each function that a device
 * may call asynchronously. The source of a device's messages is its thing, so a name in a topic holds.
 */
export function subscriptionEntries(
  definition: GroupDefinition,
  functions: readonly WantedFunction[],
  arns: SystemFunctionArns,
  settings: GreengrassV1Settings,
): Subscription[] {
  const devices = Object.keys(definition.devices).filter((device) => isActiveDevice(definition, device));
  return distinct([
    ...coreTopics(definition, arns, settings),
    ...devices.flatMap((device) => commonTopics(device, arns, settings)),
    ...functions.flatMap((wanted) =>
      callers(definition, wanted, devices).map((device) =>
        subscription(
          thingArn(settings, device),
          callTopic(settings.devicePrefix, device, wanted.manifest.name),
          arns.edgeRemoteExecution,
        ),
      ),
    ),
  ]);
}

function coreTopics(
  { core }: GroupDefinition,
  { edgeCoreMonitor }: SystemFunctionArns,
  { corePrefix }: GreengrassV1Settings,
): Subscription[] {
  if (core === undefined) return [];
  const topic = (kind: Parameters<typeof coreTopic>[2]) => coreTopic(corePrefix, core.thingName, kind);
  return [
    ...(['revision', 'accepted', 'refused'] as const).map((kind) =>
      subscription('cloud', topic(kind), edgeCoreMonitor),
    ),
    ...(['update', 'status'] as const).map((kind) => subscription(edgeCoreMonitor, topic(kind), 'cloud')),
  ];
}

function commonTopics(
  device: string,
  arns: SystemFunctionArns,
  settings: GreengrassV1Settings,
): Subscription[] {
  const { devicePrefix } = settings;
  const thing = thingArn(settings, device);
  const replies = replyTopic(devicePrefix, device, '+');
  return [
    ...ASKS.map((ask) =>
      subscription(
        thing,
        askTopic(devicePrefix, device, ask),
        ask === 'invoke' ? arns.edgeRemoteExecution : arns.handleDeviceRequest,
      ),
    ),
    ...Object.values(arns).map((source) => subscription(source, replies, thing)),
    subscription(arns.edgeCoreMonitor, statusTopic(devicePrefix), thing),
  ];
}

/** The devices that claim it, and, where the operator preloads it, all that may use it. */
function callers(
  definition: GroupDefinition,
  { manifest, devices, static: preloaded }: WantedFunction,
  active: readonly string[],
): string[] {
  if (!preloaded) return devices;
  const patterns = entitledPatterns(definition, manifest);
  return active.filter((device) => devices.includes(device) || matchesAnyDevicePattern(patterns, device));
}

function subscription(Source: string, Subject: string, Target: string): Subscription {
  return { Id: entryId('subscription', Source, Subject, Target), Source, Subject, Target };
}

/** Two versions of a function have the same topic. */
function distinct(all: readonly Subscription[]): Subscription[] {
  return [...new Map(all.map((each) => [each.Id, each])).values()];
}
