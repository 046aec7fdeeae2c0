import { MAX_MQTT_PAYLOAD } from '../../../protocol';
import { AwsError, type Principal } from '../../base/context';
import type { Broker } from './broker';
import { pageOf } from '../../base/rest/input';
import type { RestCall, RestRoute } from '../../base/rest/service';
import type { RetainedMessages } from './retained';
import type { RuleMessage } from './rules/sql/evaluate';
import { topicProblem } from './topics';
import type { IotContext } from './types';

export interface DataPlaneParts {
  broker: Broker;
  retained: RetainedMessages;
  onMessage(message: RuleMessage): void;
}

/** Publishing and retained messages over HTTPS, for signed callers (`iotdata`). */
export function dataPlaneRoutes({ arns }: IotContext, parts: DataPlaneParts): RestRoute[] {
  const topicOf = (call: RestCall): string => call.params.topic ?? '';
  const arnOf = (call: RestCall): string => arns.of('topic', topicOf(call));

  return [
    {
      operation: 'Publish',
      method: 'POST',
      path: '/topics/{topic}',
      permissions: (call) => [
        { action: 'iot:Publish', resource: arnOf(call) },
        ...(retains(call) ? [{ action: 'iot:RetainPublish', resource: arnOf(call) }] : []),
      ],
      async handle(call) {
        const [topic, payload] = [topicOf(call), call.body];
        requirePublishable(topic, payload);
        await parts.broker.publish({ topic, payload, qos: qosOf(call), retain: retains(call) });
        const principal = callerName(call.principal);
        parts.onMessage({ topic, payload, principal, clientId: 'n/a', timestamp: Date.now() });
      },
    },
    {
      operation: 'GetRetainedMessage',
      method: 'GET',
      path: '/retainedMessage/{topic}',
      permissions: (call) => [{ action: 'iot:GetRetainedMessage', resource: arnOf(call) }],
      handle(call) {
        const message = parts.retained.get(topicOf(call));
        if (message !== undefined) return message;
        throw new AwsError('ResourceNotFoundException', 'No retained message on this topic', 404);
      },
    },
    {
      operation: 'ListRetainedMessages',
      method: 'GET',
      path: '/retainedMessage',
      permissions: () => [{ action: 'iot:ListRetainedMessages', resource: '*' }],
      handle({ query }) {
        const page = pageOf(parts.retained.list(), query, { most: 200 });
        const retainedTopics = page.items.map(({ payload, ...message }) => ({
          ...message,
          payloadSize: Buffer.byteLength(payload, 'base64'),
        }));
        return { retainedTopics, nextToken: page.next };
      },
    },
  ];
}

function retains(call: RestCall): boolean {
  return call.query.get('retain') === 'true';
}

function qosOf(call: RestCall): 0 | 1 {
  const qos = call.query.get('qos') ?? '0';
  if (qos === '0' || qos === '1') return qos === '1' ? 1 : 0;
  throw new AwsError('InvalidRequestException', `qos must be 0 or 1, not ${qos}`);
}

function requirePublishable(topic: string, payload: Buffer): void {
  const problem = /[+#]/.test(topic) ? `wildcards in a topic: ${topic}` : topicProblem(topic);
  if (problem !== undefined) throw new AwsError('InvalidRequestException', problem);
  if (payload.length <= MAX_MQTT_PAYLOAD) return;
  throw new AwsError('RequestEntityTooLargeException', `Payload over ${MAX_MQTT_PAYLOAD} bytes`, 413);
}

/** `principal()` of a signed publish: on AWS the user id, which is `<role id>:<session>` for a role. */
function callerName({ role, sessionName, account }: Principal): string {
  return role === undefined ? account : `${role.name}:${sessionName ?? ''}`;
}
