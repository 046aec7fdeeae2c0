import { z } from 'zod';
import { MQTT_PROXY_SERVICE } from '../../../protocol/greengrass/accessControl';
import type { CloudMqtt } from '../cloud/mqtt';
import type { IpcAuthorisation } from './authorisation';
import { IpcError } from './errors';
import { inputOf, type IpcOperations } from './operation';

const qosSchema = z.enum(['0', '1']).transform((qos) => (qos === '1' ? 1 : 0));
const subscribeSchema = z.object({ topicName: z.string().min(1), qos: qosSchema });
const publishSchema = z.object({
  topicName: z.string().min(1),
  qos: qosSchema,
  payload: z.base64().default(''),
  retain: z.boolean().default(false),
});

/** Messages with AWS IoT Core, through the nucleus' own connection. */
export function iotCoreOperations(mqtt: CloudMqtt, authorisation: IpcAuthorisation): IpcOperations {
  return {
    PublishToIoTCore: {
      streaming: false,
      handle(call) {
        const { topicName, qos, payload, retain } = inputOf(call, publishSchema);
        authorisation.require(call.component, MQTT_PROXY_SERVICE, 'PublishToIoTCore', topicName);
        mqtt.publish({ topic: topicName, payload: Buffer.from(payload, 'base64'), qos, retain });
        return {};
      },
    },
    SubscribeToIoTCore: {
      streaming: true,
      async handle(call) {
        const { topicName, qos } = inputOf(call, subscribeSchema);
        authorisation.require(call.component, MQTT_PROXY_SERVICE, 'SubscribeToIoTCore', topicName);
        const unsubscribe = await mqtt
          .subscribe(topicName, qos, ({ topic, payload, retain }) =>
            call.send('IoTCoreMessage', {
              message: { topicName: topic, payload: payload.toString('base64'), retain },
            }),
          )
          .catch((error: unknown) => {
            throw new IpcError(
              'ServiceError',
              `Subscribe to topic ${topicName} failed with error ${String(error)}`,
            );
          });
        call.onEnd(unsubscribe);
        return {};
      },
    },
  };
}
