import { createHash } from 'node:crypto';
import {
  canonicalJson,
  coreComponentName,
  coreTopic,
  DEFAULT_DEVICE_PREFIX,
  parseWith,
  type CoreKind,
} from '../../../protocol';
import {
  MQTT_PROXY_SERVICE,
  PUBSUB_SERVICE,
  type AccessControl,
} from '../../../protocol/greengrass/accessControl';
import {
  coreConfigurationSchema,
  type CoreConfigurationInput,
} from '../../../protocol/greengrass/coreConfiguration';
import { fromDevices, toDevices } from '../../../protocol/greengrass/localTopics';

const UP: readonly CoreKind[] = ['update', 'status', 'log'];
const DOWN: readonly CoreKind[] = ['revision', 'accepted', 'refused'];

/**
 * What a deployment merges into the configuration of the core component: the core's own settings and the
 * rights that they call for. `settings` changes with everything but the revision and the delivery, which
 * the nucleus watches by themselves.
 */
export function coreComponentConfiguration(
  core: string,
  input: CoreConfigurationInput,
): Record<string, unknown> {
  const { revision = 0, delivery = 'hot', ...rest } = input;
  parseWith(coreConfigurationSchema, input, 'configuration of the core component');
  const accessControl = {
    ...cloudAccess(input.corePrefix, core),
    ...(input.devices === 'pubsub' && deviceAccess(input)),
  };
  const settings = createHash('sha256')
    .update(canonicalJson({ ...rest, accessControl }))
    .digest('hex')
    .slice(0, 16);
  return { ...rest, delivery, revision, settings, accessControl };
}

/** The topics of this core and no others. Ids of policies are unique on a core device. */
function cloudAccess(corePrefix: string, core: string): AccessControl {
  const component = coreComponentName(corePrefix);
  const topics = (kinds: readonly CoreKind[]) => kinds.map((kind) => coreTopic(corePrefix, core, kind));
  return {
    [MQTT_PROXY_SERVICE]: {
      [`${component}:mqttproxy:1`]: {
        policyDescription: 'Sends updates, reports and logs of this edge core.',
        operations: ['aws.greengrass#PublishToIoTCore'],
        resources: topics(UP),
      },
      [`${component}:mqttproxy:2`]: {
        policyDescription: 'Hears what the cloud says to this edge core.',
        operations: ['aws.greengrass#SubscribeToIoTCore'],
        resources: topics(DOWN),
      },
    },
  };
}

/**
 * Local messages of devices and to them, on the topics of this service and no others. For publish/subscribe,
 * MQTT's wildcards in a resource stand for themselves alone, so a subscription is allowed by the very filter
 * that it has; `*` stands for any text, which is how one resource allows publishing to many topics. Source:
 * AWS IoT Greengrass V2 developer guide, "Publish/subscribe local messages", "Authorization" (wildcards in
 * subscriptions since nucleus 2.6.0), and "Authorize components to perform IPC operations".
 */
function deviceAccess({
  corePrefix,
  devicePrefix = DEFAULT_DEVICE_PREFIX,
}: CoreConfigurationInput): AccessControl {
  const component = coreComponentName(corePrefix);
  return {
    [PUBSUB_SERVICE]: {
      [`${component}:pubsub:1`]: {
        policyDescription: 'Hears what devices ask of this edge core.',
        operations: ['aws.greengrass#SubscribeToTopic'],
        resources: fromDevices(devicePrefix),
      },
      [`${component}:pubsub:2`]: {
        policyDescription: 'Answers devices.',
        operations: ['aws.greengrass#PublishToTopic'],
        resources: toDevices(devicePrefix),
      },
    },
  };
}
