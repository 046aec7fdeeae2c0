import type { AedesOptions, Client } from 'aedes';
import { MAX_MQTT_PAYLOAD } from '../../../../protocol';
import type { IotContext } from '../context';
import { topicProblem } from '../topics';

const MQTT_3_1_1 = 4;
const MAX_CLIENT_ID_BYTES = 128;
const NOT_AUTHORISED = 5;

type Handlers = Required<
  Pick<
    AedesOptions,
    'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'
  >
>;
type Kind = 'client' | 'topic' | 'topicfilter';

/** Which certificate each connection of the broker showed. */
export class BrokerConnections {
  readonly #certificates = new WeakMap<Client, string>();
  readonly #open = new Map<string, Set<Client>>();

  add(client: Client, certificateId: string): void {
    this.#certificates.set(client, certificateId);
    this.#open.set(certificateId, (this.#open.get(certificateId) ?? new Set()).add(client));
  }

  remove(client: Client): void {
    const certificateId = this.#certificates.get(client) ?? '';
    const others = this.#open.get(certificateId);
    others?.delete(client);
    if (others?.size === 0) this.#open.delete(certificateId);
  }

  /** This is kept for a connection that ended, because its last will is judged by it. */
  certificateOf(client: Client): string | undefined {
    return this.#certificates.get(client);
  }

  disconnect(certificateId: string): void {
    for (const client of [...(this.#open.get(certificateId) ?? [])]) client.close();
  }
}

/**
 * What aedes asks before it does something. An error ends the connection, which is what AWS IoT Core
 * does with an operation that a policy denies or that breaks a limit.
 */
export function brokerHandlers(context: IotContext, connections: BrokerConnections): Handlers {
  const { log, arns, authorisation } = context;

  const allows = (client: Client, action: string, kind: Kind, name: string): boolean => {
    const certificateId = connections.certificateOf(client);
    if (certificateId === undefined) return false;
    const resource = arns.of(kind, name);
    return authorisation.allows({ certificateId, clientId: client.id }, { action, resource });
  };

  const refusal = (client: Client | null, problem: string): Error => {
    log.warn({ clientId: client?.id, problem }, 'MQTT operation refused');
    return new Error(problem);
  };

  return {
    preConnect(client, { protocolVersion, clientId }, done) {
      const problem =
        protocolVersion !== MQTT_3_1_1
          ? `MQTT protocol level ${protocolVersion} is not supported by the local cloud (it has 3.1.1)`
          : clientIdProblem(clientId);
      done(problem === undefined ? null : refusal(client, problem), problem === undefined);
    },

    authenticate(client, _username, _password, done) {
      const certificateId = connections.certificateOf(client);
      // Between the handshake and this, the certificate may have been revoked.
      const active = certificateId !== undefined && context.registry.certificates.isActive(certificateId);
      const allowed = active && allows(client, 'iot:Connect', 'client', client.id);
      if (allowed) done(null, true);
      else done(Object.assign(new Error('not authorised'), { returnCode: NOT_AUTHORISED }), false);
    },

    authorizePublish(client, { topic, payload, qos, retain }, done) {
      const problem = topicProblem(topic) ?? payloadProblem(payload.length) ?? qosProblem(qos);
      if (problem !== undefined) {
        done(refusal(client, problem));
        return;
      }
      const allowed =
        client !== null &&
        allows(client, 'iot:Publish', 'topic', topic) &&
        (!retain || allows(client, 'iot:RetainPublish', 'topic', topic));
      done(allowed ? null : new Error(`not authorised to publish to ${topic}`));
    },

    authorizeSubscribe(client, subscription, done) {
      const { topic, qos } = subscription;
      const problem = topicProblem(topic) ?? qosProblem(qos);
      if (problem !== undefined) {
        done(refusal(client, problem));
        return;
      }
      const allowed = allows(client, 'iot:Subscribe', 'topicfilter', topic);
      done(
        allowed ? null : new Error(`not authorised to subscribe to ${topic}`),
        allowed ? subscription : null,
      );
    },

    authorizeForward: (client, packet) =>
      allows(client, 'iot:Receive', 'topic', packet.topic) ? packet : null,
  };
}

function clientIdProblem(clientId: string): string | undefined {
  if (clientId.length === 0) return 'an empty client id';
  if (Buffer.byteLength(clientId) > MAX_CLIENT_ID_BYTES) {
    return `a client id longer than ${MAX_CLIENT_ID_BYTES} bytes`;
  }
  return undefined;
}

function payloadProblem(bytes: number): string | undefined {
  return bytes > MAX_MQTT_PAYLOAD
    ? `a payload over the limit of ${MAX_MQTT_PAYLOAD} bytes: ${bytes}`
    : undefined;
}

function qosProblem(qos: number): string | undefined {
  return qos === 2 ? 'QoS 2, which AWS IoT Core does not have' : undefined;
}
