import type { TLSSocket } from 'node:tls';
import type { Client } from 'aedes';
import {
  isWithinTopicLimits,
  matchesTopicFilter,
  parseDeviceTopic,
  relativeSharedTopic,
  REPLIES,
  replyTopic,
  SHARED_FILTER,
  statusTopic,
  type DeviceTopic,
  type Reply,
} from '../../../protocol';
import type { PresentedCertificate } from '../admission';

/** An admitted device. */
export interface DeviceConnection {
  client: Client;
  socket: TLSSocket;
  device: string;
  certificate: PresentedCertificate;
  /** Its own replies and the edge's status. Shared topics come beside them. */
  ownFilters: ReadonlySet<string>;
  /** What it subscribes to. */
  filters: Set<string>;
  /** Reply topics, made once: building one costs more than looking it up. */
  replyTopics: Map<Reply, string>;
}

/** A device that reads more slowly than this much behind is cut off rather than buffered for. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** As on AWS IoT. Each message of a function is held against all of them. */
const MAX_SUBSCRIPTIONS = 50;

/** The devices that are connected now, by thing name and by MQTT client. */
export class AdmittedConnections {
  private readonly byClient = new Map<Client, DeviceConnection>();
  private readonly byDevice = new Map<string, DeviceConnection>();

  constructor(private readonly prefix: string) {}

  add(client: Client, device: string, certificate: PresentedCertificate): void {
    const socket = client.conn as TLSSocket;
    if (socket.destroyed) return;
    // aedes announces the end of those only whose CONNECT it completed.
    socket.once('close', () => this.remove(client));
    const connection: DeviceConnection = {
      client,
      socket,
      device,
      certificate,
      ownFilters: ownFilters(this.prefix, device),
      filters: new Set(),
      replyTopics: new Map(),
    };
    this.byClient.set(client, connection);
  }

  /** It has taken the place of an earlier connection of the same device, if there was one. */
  ready(client: Client): DeviceConnection | undefined {
    const connection = this.byClient.get(client);
    if (connection !== undefined) this.byDevice.set(connection.device, connection);
    return connection;
  }

  remove(client: Client): void {
    const connection = this.byClient.get(client);
    this.byClient.delete(client);
    if (connection !== undefined && this.byDevice.get(connection.device) === connection) {
      this.byDevice.delete(connection.device);
    }
  }

  of(client: Client): DeviceConnection | undefined {
    return this.byClient.get(client);
  }

  /** Notes a filter that the device may have; false when it may not, or has too many. */
  subscribe(client: Client, filter: string): boolean {
    const connection = this.byClient.get(client);
    if (connection === undefined) return false;
    const { filters, ownFilters } = connection;
    if (!ownFilters.has(filter) && !isShared(this.prefix, filter)) return false;
    if (filters.size >= MAX_SUBSCRIPTIONS && !filters.has(filter)) return false;
    filters.add(filter);
    return true;
  }

  unsubscribe(client: Client, filters: readonly string[]): void {
    for (const filter of filters) this.byClient.get(client)?.filters.delete(filter);
  }

  all(): DeviceConnection[] {
    return [...this.byClient.values()];
  }

  /** What a topic means that the device may publish to, its own asks and calls; else undefined. */
  ownTopic({ device }: DeviceConnection, topic: string): DeviceTopic | undefined {
    if (!isWithinTopicLimits(topic)) return undefined;
    const parsed = parseDeviceTopic(this.prefix, topic);
    return parsed?.device === device ? parsed : undefined;
  }

  certificateOf(device: string): string | undefined {
    return this.byDevice.get(device)?.certificate.id;
  }

  /**
   * Sends a reply at QoS 0, which stalls no client that asks at QoS 1
   * (docs/decisions/0009-qos-1-asks-qos-0-replies.md). A reply that is lost with its connection is asked for
   * again under the same request id.
   * Straight to the one connection; the broker's matcher would have it wait for every slow reader.
   */
  send(device: string, kind: Reply, payload: string): void {
    const connection = this.byDevice.get(device);
    if (connection === undefined) return;
    const topic = this.topicFor(connection, kind);
    const { filters } = connection;
    if (!filters.has(replyTopic(this.prefix, device, '+')) && !filters.has(topic)) return;
    if (connection.socket.writableLength > MAX_BUFFERED_BYTES) {
      connection.client.close();
      return;
    }
    connection.client.publish({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }, ignore);
  }

  /** Sends to whoever subscribes to a topic of functions; what was said of `send` holds here too. */
  share(topic: string, payload: string): void {
    for (const { client, socket, filters } of this.byDevice.values()) {
      if (![...filters].some((filter) => matchesTopicFilter(filter, topic))) continue;
      if (socket.writableLength > MAX_BUFFERED_BYTES) client.close();
      else client.publish({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }, ignore);
    }
  }

  private topicFor(connection: DeviceConnection, kind: Reply): string {
    let topic = connection.replyTopics.get(kind);
    if (topic === undefined) {
      topic = replyTopic(this.prefix, connection.device, kind);
      connection.replyTopics.set(kind, topic);
    }
    return topic;
  }
}

/** What a device may subscribe to beside the topics of functions. */
function ownFilters(prefix: string, device: string): Set<string> {
  const replies = REPLIES.map((reply) => replyTopic(prefix, device, reply));
  return new Set([statusTopic(prefix), replyTopic(prefix, device, '+'), ...replies]);
}

function isShared(prefix: string, filter: string): boolean {
  const relative = relativeSharedTopic(prefix, filter);
  return relative !== undefined && SHARED_FILTER.test(relative) && isWithinTopicLimits(filter);
}

/** aedes needs a callback, which it calls once the reply is written. */
const ignore = (): void => undefined;
