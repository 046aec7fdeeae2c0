import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type * as DeviceSdk from 'aws-iot-device-sdk-v2';
import { systemClock } from '../lib/clock';
import { abortedAfter, pause } from '../lib/timeLimit';
import { EdgeError } from '../protocol/errors';
import type { DeviceCredentials } from './identity';
import type { Candidate, Link, OpenLink } from './link';

type Sdk = Pick<typeof DeviceSdk, 'iot' | 'mqtt' | 'io'>;
type SdkConnection = InstanceType<Sdk['mqtt']['MqttClientConnection']>;

/** Milliseconds for the first contact with an address. */
const PROBE_TIMEOUT_MS = 4_000;
/** Milliseconds for the TCP connection to one address. */
const SOCKET_TIMEOUT_MS = 3_000;
/** Milliseconds for TCP, TLS and MQTT together; the SDK alone would wait 10 s for TLS. */
const CONNECT_TIMEOUT_MS = 6_000;
/** Milliseconds in which the broker must answer CONNECT, and each sign of life. */
const PING_TIMEOUT_MS = 3_000;
const CLOSE_TIMEOUT_MS = 2_000;

export interface SdkLinkOptions {
  identity: DeviceCredentials;
  keepAliveSeconds: number;
}

/** Links of the AWS IoT device SDK: MQTT 3.1.1 over mutual TLS, clean session, client id = thing name. */
export function sdkLinks(options: SdkLinkOptions): OpenLink {
  const proven = new Set<string>();
  return async (candidate, events, signal) => {
    const key = JSON.stringify(candidate);
    // Once per address, so that reconnecting costs one handshake, not two.
    if (!proven.has(key)) await probe(candidate, options.identity, signal);
    proven.add(key);
    const sdk = await loadSdk();
    const connection = newConnection(sdk, candidate, options);
    let over = false;
    connection.on('message', (topic, payload) => events.message(topic, new Uint8Array(payload)));
    connection.on('interrupt', (error) => {
      if (over) return;
      over = true;
      // The SDK would reconnect by itself, to this address only and after a second at the earliest.
      void connection.disconnect().catch(() => undefined);
      events.interrupted(new Error(`connection to the edge lost: ${error.error_name ?? error.message}`));
    });
    await connect(connection, candidate, signal);
    return sdkLink(sdk, connection, () => {
      const first = !over;
      over = true;
      return first;
    });
  };
}

function sdkLink({ mqtt: { QoS } }: Sdk, connection: SdkConnection, end: () => boolean): Link {
  const levels = [QoS.AtMostOnce, QoS.AtLeastOnce] as const;
  return {
    async publish(topic, payload, qos) {
      await connection.publish(topic, payload, levels[qos]);
    },
    async subscribe(filter, qos) {
      const granted = await connection.subscribe(filter, levels[qos]);
      if ((granted.qos as number) > 2) {
        throw new EdgeError('FORBIDDEN_TOPIC', `the edge refused the subscription to ${filter}`);
      }
    },
    async unsubscribe(filter) {
      await connection.unsubscribe(filter);
    },
    async close() {
      if (!end()) return;
      await Promise.race([connection.disconnect().catch(() => undefined), pause(CLOSE_TIMEOUT_MS)]);
    },
  };
}

/** Loaded on first use: its native part is not prebuilt for every platform, and takes 100 ms to load. */
async function loadSdk(): Promise<Sdk> {
  try {
    return await import('aws-iot-device-sdk-v2');
  } catch (error) {
    throw new EdgeError(
      'UNSUPPORTED',
      `aws-iot-device-sdk-v2 cannot be loaded on ${process.platform}-${process.arch}`,
      { cause: error },
    );
  }
}

function newConnection(sdk: Sdk, candidate: Candidate, options: SdkLinkOptions): SdkConnection {
  const { certificate, privateKey, thingName } = options.identity;
  try {
    const builder = sdk.iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(certificate, privateKey)
      .with_endpoint(candidate.host)
      .with_port(candidate.port)
      .with_client_id(thingName)
      .with_clean_session(true)
      .with_keep_alive_seconds(options.keepAliveSeconds)
      .with_ping_timeout_ms(Math.min(PING_TIMEOUT_MS, options.keepAliveSeconds * 1000 - 1))
      // Ours is the reconnecting; this only bounds how long an interrupted connection lingers.
      .with_reconnect_min_sec(1)
      .with_reconnect_max_sec(1)
      .with_socket_options(
        new sdk.io.SocketOptions(sdk.io.SocketType.STREAM, sdk.io.SocketDomain.IPV4, SOCKET_TIMEOUT_MS),
      );
    if (candidate.ca !== undefined) builder.with_certificate_authority(candidate.ca);
    return new sdk.mqtt.MqttClient().new_connection(builder.build());
  } catch (error) {
    throw new EdgeError('BAD_REQUEST', `the SDK does not take the certificate, the key or the CA`, {
      cause: error,
    });
  }
}

/** The SDK cannot cancel a connection attempt: one that comes too late is closed when it is there. */
async function connect(connection: SdkConnection, candidate: Candidate, signal: AbortSignal): Promise<void> {
  const late = (): EdgeError => unreachable(candidate, `no connection within ${CONNECT_TIMEOUT_MS} ms`);
  let connecting: Promise<unknown> | undefined;
  const start = (): Promise<unknown> =>
    (connecting = connection.connect().catch((error: unknown) => {
      throw connectError(candidate, error);
    }));
  try {
    await abortedAfter(systemClock, CONNECT_TIMEOUT_MS, signal, late, start);
  } catch (error) {
    void connecting?.then(() => connection.disconnect()).catch(() => undefined);
    throw error;
  }
}

/** The SDK gives a text here, with the name in it; its event with the name alone may come after it. */
function connectError(candidate: Candidate, error: unknown): EdgeError {
  const [reason] = /\bAWS_[A-Z0-9_]+/.exec(String(error)) ?? [String(error)];
  // This is how the SDK reports a CONNACK with a return code other than 0; which one, it does not say.
  if (reason === 'AWS_ERROR_MQTT_PROTOCOL_ERROR') {
    const { host, port } = candidate;
    const message = `the edge at ${host}:${port} refused this device: it does not admit the certificate under this name, or cannot look it up just now`;
    return new EdgeError('UNKNOWN_DEVICE', message, { details: { host, port, reason } });
  }
  const hungUp = /SOCKET_CLOSED|HANGUP|TLS_.*ALERT/.test(reason);
  const hint = hungUp ? ' (the edge hung up: does it know this certificate, and is it the right CA?)' : '';
  return unreachable(candidate, `${reason}${hint}`);
}

function unreachable({ host, port }: Candidate, message: string): EdgeError {
  return new EdgeError('EDGE_NOT_FOUND', message, { details: { host, port } });
}

/**
 * A TLS handshake with a candidate, before the SDK is let at it. The SDK can neither cancel a
 * connection attempt nor say why TLS failed, and after a certificate that it does not trust it lingers
 * for up to 30 s, in which the process cannot exit (s2n's blinding). Throws EDGE_NOT_FOUND.
 */
async function probe(
  { host, port, ca }: Candidate,
  { certificate: cert, privateKey: key }: DeviceCredentials,
  signal: AbortSignal,
): Promise<void> {
  const failure = (reason: string, cause?: Error): EdgeError =>
    new EdgeError('EDGE_NOT_FOUND', reason, { details: { host, port }, cause });
  const late = (): EdgeError => failure(`no TLS connection within ${PROBE_TIMEOUT_MS} ms`);
  let socket: TLSSocket | undefined;
  const handshake = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const authority = ca === undefined ? {} : { ca };
      const serverName = isIP(host) === 0 ? { servername: host } : {};
      socket = connectTls({ host, port, cert, key, ...authority, ...serverName });
      socket.once('secureConnect', resolve);
      socket.on('error', (error: Error) => reject(failure(error.message, error)));
    });
  try {
    await abortedAfter(systemClock, PROBE_TIMEOUT_MS, signal, late, handshake);
  } finally {
    socket?.destroy();
  }
}
