import { z } from 'zod';
import { MQTT_PROXY_SERVICE, PUBSUB_SERVICE } from '../../../protocol/greengrass/accessControl';
import { topicMatches } from '../../services/iotCore/topics';
import type { CloudMqtt } from '../cloud/mqtt';
import type { IpcAuthorisation } from './authorisation';
import { inputOf, IpcError, type IpcCall, type IpcOperations } from './operation';

const MODES = ['RECEIVE_ALL_MESSAGES', 'RECEIVE_MESSAGES_FROM_OTHERS'] as const;

const subscribeLocallySchema = z.object({ topic: z.string().min(1), receiveMode: z.enum(MODES).optional() });
const publishLocallySchema = z.object({
  topic: z.string().min(1),
  publishMessage: z.union([
    z.object({ jsonMessage: z.object({ message: z.unknown() }) }),
    z.object({ binaryMessage: z.object({ message: z.base64() }) }),
  ]),
});
type PublishMessage = z.output<typeof publishLocallySchema>['publishMessage'];

interface Subscription {
  filter: string;
  component: string;
  othersOnly: boolean;
  send: IpcCall['send'];
}

/** Local publish/subscribe between components. */
export function localTopicOperations(authorisation: IpcAuthorisation): IpcOperations {
  const subscriptions = new Set<Subscription>();
  return {
    SubscribeToTopic: {
      streaming: true,
      handle(call) {
        const { topic, receiveMode } = inputOf(call, subscribeLocallySchema);
        authorisation.require(call.component, PUBSUB_SERVICE, 'SubscribeToTopic', topic);
        // Left out, a filter with wildcards does not get the component's own messages.
        const othersOnly = receiveMode === undefined ? /[+#]/.test(topic) : receiveMode === MODES[1];
        const subscription = { filter: topic, component: call.component, othersOnly, send: call.send };
        subscriptions.add(subscription);
        call.onEnd(() => subscriptions.delete(subscription));
        return { topicName: topic };
      },
    },
    PublishToTopic: {
      streaming: false,
      handle(call) {
        const { topic, publishMessage } = inputOf(call, publishLocallySchema);
        if (/[+#]/.test(topic)) {
          throw new IpcError('InvalidArgumentsError', 'Publish topic must not contain a wildcard.');
        }
        authorisation.require(call.component, PUBSUB_SERVICE, 'PublishToTopic', topic);
        const message = received(publishMessage, topic);
        for (const { filter, component, othersOnly, send } of subscriptions) {
          if (othersOnly && component === call.component) continue;
          if (topicMatches(filter, topic)) send('SubscriptionResponseMessage', message);
        }
        return {};
      },
    },
  };
}

function received(published: PublishMessage, topic: string): object {
  const context = { topic };
  return 'jsonMessage' in published
    ? { jsonMessage: { ...published.jsonMessage, context } }
    : { binaryMessage: { ...published.binaryMessage, context } };
}

const qosSchema = z.enum(['0', '1']).transform((qos) => (qos === '1' ? 1 : 0));
const subscribeToCloudSchema = z.object({ topicName: z.string().min(1), qos: qosSchema });
const publishToCloudSchema = z.object({
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
        const { topicName, qos, payload, retain } = inputOf(call, publishToCloudSchema);
        authorisation.require(call.component, MQTT_PROXY_SERVICE, 'PublishToIoTCore', topicName);
        mqtt.publish({ topic: topicName, payload: Buffer.from(payload, 'base64'), qos, retain });
        return {};
      },
    },
    SubscribeToIoTCore: {
      streaming: true,
      async handle(call) {
        const { topicName, qos } = inputOf(call, subscribeToCloudSchema);
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
