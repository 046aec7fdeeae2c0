import { createServer, type PeerCertificate, type Server, type TLSSocket } from 'node:tls';
import type { AddressInfo, Socket } from 'node:net';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import {
  askSchemas,
  callSchema,
  replySchemas,
  type Ask,
  type AskMessage,
  type CallMessage,
  type ReplyMessage,
} from '../../../protocol';
import { parseDeviceTopic, replyTopic, statusTopic, type Reply } from '../../../protocol/topics';
import { certificateIdOf } from '../../../lib/x509/certificateId';
import type { IssuedCertificate } from '../../../lib/x509/issue';

/** One message of a device, checked against the protocol's schema. */
export type Heard =
  | { [K in Ask]: { kind: K; device: string; message: AskMessage<K> } }[Ask]
  | { kind: 'call'; device: string; function: string; message: CallMessage };

export type Answer = <K extends Reply>(kind: K, message: ReplyMessage<K>) => void;

export interface StandInOptions {
  server: IssuedCertificate;
  /** Certificate ids of the devices that are let in. */
  admitted: readonly string[];
  /** What the edge says to each message. Joins are answered before it is asked. */
  script: (heard: Heard, answer: Answer) => void;
  /** False: the edge says nothing to a join of its own accord. */
  answersJoin?: boolean;
}

/**
 * An edge core at the wire: a real broker over mutual TLS whose replies a test scripts. No logic of an
 * edge is in it. Admission is by certificate id at CONNECT, as the real one does it.
 */
export class StandInEdge {
  readonly heard: Heard[] = [];
  readonly #options: StandInOptions;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();
  #server: Server | undefined;
  #broker: Aedes | undefined;
  #port = 0;

  constructor(options: StandInOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#broker?.connectedClients ?? 0;
  }

  /** Listens on a free port, after a stop on the same one again, or on `port`. */
  async start(port = this.#port): Promise<void> {
    const broker = await Aedes.createBroker();
    broker.authenticate = (client, _user, _password, done) => {
      const refusal: unknown = Object.assign(new Error('unknown certificate'), { returnCode: 5 });
      if (this.#admits(client)) done(null, true);
      else done(refusal as AuthenticateError, null);
    };
    broker.on('publish', (packet, client) => {
      if (client) this.#hear(packet.topic, packet.payload as Buffer);
    });
    const { certificatePem: cert, privateKeyPem: key } = this.#options.server;
    // As the real edge: whoever proves a key is let through TLS, and looked up at CONNECT.
    const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (socket) => {
      socket.setNoDelay(true);
      broker.handle(socket);
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#broker = broker;
    this.#server = server;
  }

  /** As if the power were cut: connections break, nothing is said. */
  async stop(): Promise<void> {
    const [server, broker] = [this.#server, this.#broker];
    this.#server = undefined;
    this.#broker = undefined;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    await new Promise<void>((resolve) => (broker ? broker.close(() => resolve()) : resolve()));
  }

  /** Breaks the connections but keeps listening. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  answer<K extends Reply>(device: string, kind: K, message: ReplyMessage<K>): void {
    replySchemas[kind].parse(message);
    this.publish(replyTopic('edge', device, kind), JSON.stringify(message));
  }

  publish(topic: string, payload: string, retain = false): void {
    this.#broker?.publish(
      { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, retain, dup: false },
      () => undefined,
    );
  }

  announce(state: 'ready' | 'reconciling', revision: number): void {
    this.publish(statusTopic('edge'), JSON.stringify({ state, revision, edge: 'core-1' }), true);
  }

  /** The first message, heard already or yet to come, of which `wanted` is true. */
  async hears(wanted: (heard: Heard) => boolean): Promise<Heard> {
    for (;;) {
      const found = this.heard.find(wanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  count(kind: Heard['kind']): number {
    return this.heard.filter((heard) => heard.kind === kind).length;
  }

  #admits(client: Client): boolean {
    const { raw } = (client.conn as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>;
    return raw !== undefined && this.#options.admitted.includes(certificateIdOf(raw));
  }

  #hear(topic: string, payload: Buffer): void {
    const meant = parseDeviceTopic('edge', topic);
    if (meant === undefined) throw new Error(`a device published to ${topic}`);
    const body = JSON.parse(payload.toString('utf8')) as unknown;
    const { device } = meant;
    const heard = (
      meant.kind === 'call'
        ? { kind: 'call', device, function: meant.function, message: callSchema.parse(body) }
        : { kind: meant.ask, device, message: askSchemas[meant.ask].parse(body) }
    ) as Heard;
    this.heard.push(heard);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
    const answer: Answer = (kind, message) => this.answer(device, kind, message);
    if (heard.kind === 'join' && this.#options.answersJoin !== false) {
      answer('joined', { requestId: heard.message.requestId, edge: 'core-1', revision: 1 });
      return;
    }
    this.#options.script(heard, answer);
  }
}
