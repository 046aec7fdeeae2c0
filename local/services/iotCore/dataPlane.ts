import { MAX_MQTT_PAYLOAD } from '../../../protocol';
import { AwsError, type Principal } from '../../base/context';
import type { IotArns } from './arns';
import type { IotBroker } from './broker';
import { pageOf } from '../../base/rest/input';
import { ANY_RESOURCE, routesOf, type RestCall, type RestRoute } from '../../base/rest/service';
import type { RetainedMessages } from './retained';
import type { RuleMessage } from './rules/sql/evaluate';
import { topicProblem } from './topics';

export interface DataPlaneParts {
  broker: IotBroker;
  retained: RetainedMessages;
  onMessage: (message: RuleMessage) => void;
}

/** Publishing and retained messages over HTTPS, for signed callers (`iotdata`). */
export function dataPlaneRoutes(arns: IotArns, { broker, retained, onMessage }: DataPlaneParts): RestRoute[] {
  const route = routesOf('iot');
  const topicOf = (call: RestCall): string => call.param('topic');
  const arnOf = (call: RestCall): string => arns.of('topic', topicOf(call));

  const publish = route('Publish', 'POST /topics/{topic}', arnOf, async (call) => {
    const [topic, payload] = [topicOf(call), call.body];
    requirePublishable(topic, payload);
    await broker.publish({ topic, payload, qos: qosOf(call), retain: retains(call) });
    const principal = callerName(call.principal);
    onMessage({ topic, payload, principal, clientId: 'n/a', timestamp: Date.now() });
  });

  return [
    {
      ...publish,
      permissions: (call) => [
        ...publish.permissions(call),
        ...(retains(call) ? [{ action: 'iot:RetainPublish', resource: arnOf(call) }] : []),
      ],
    },
    route('GetRetainedMessage', 'GET /retainedMessage/{topic}', arnOf, (call) => {
      const message = retained.get(topicOf(call));
      if (message !== undefined) return message;
      throw new AwsError('ResourceNotFoundException', 'No retained message on this topic', 404);
    }),
    route('ListRetainedMessages', 'GET /retainedMessage', ANY_RESOURCE, ({ query }) => {
      const { items, next } = pageOf(retained.list(), query, { most: 200 });
      const retainedTopics = items.map(({ payload, ...message }) => ({
        ...message,
        payloadSize: Buffer.byteLength(payload, 'base64'),
      }));
      return { retainedTopics, nextToken: next };
    }),
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
