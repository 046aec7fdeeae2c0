import { z } from 'zod';
import { PUBSUB_SERVICE } from '../../../protocol/greengrass/accessControl';
import { topicMatches } from '../../services/iotCore/topics';
import type { IpcAuthorisation } from './authorisation';
import { IpcError } from './errors';
import { inputOf, type IpcCall, type IpcOperations } from './operation';

const MODES = ['RECEIVE_ALL_MESSAGES', 'RECEIVE_MESSAGES_FROM_OTHERS'] as const;

const subscribeSchema = z.object({ topic: z.string().min(1), receiveMode: z.enum(MODES).optional() });
const publishSchema = z.object({
  topic: z.string().min(1),
  publishMessage: z.union([
    z.object({ jsonMessage: z.object({ message: z.unknown() }) }),
    z.object({ binaryMessage: z.object({ message: z.base64() }) }),
  ]),
});
type PublishMessage = z.output<typeof publishSchema>['publishMessage'];

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
        const { topic, receiveMode } = inputOf(call, subscribeSchema);
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
        const { topic, publishMessage } = inputOf(call, publishSchema);
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
