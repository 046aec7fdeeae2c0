import { createHash } from 'node:crypto';
import { canonicalJson, coreComponentName, coreTopic, parseWith, type CoreKind } from '../../protocol';
import { MQTT_PROXY_SERVICE, type AccessControl } from '../../protocol/greengrass/accessControl';
import {
  coreConfigurationSchema,
  type CoreConfigurationInput,
} from '../../protocol/greengrass/coreConfiguration';

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
  const accessControl = accessControlOf(input.corePrefix, core);
  const settings = createHash('sha256')
    .update(canonicalJson({ ...rest, accessControl }))
    .digest('hex')
    .slice(0, 16);
  return { ...rest, delivery, revision, settings, accessControl };
}

/** The topics of this core and no others. Ids of policies are unique on a core device. */
function accessControlOf(corePrefix: string, core: string): AccessControl {
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
