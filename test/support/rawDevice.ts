import { readFile } from 'node:fs/promises';
import type { IClientOptions } from 'mqtt';
import type { Edge, ThingFiles } from '../../local';
import { MqttDevice } from '../edge/support/mqttDevice';

export interface RawOptions extends IClientOptions {
  /** PEM; absent: those of the thing. */
  credentials?: { certificate: string; privateKey: string };
}

/**
 * A device without our client, for what our client would never send: MQTT.js over mutual TLS, with the
 * edge's certificate checked. Rejects as `MqttDevice.connect`. It ends with the edge.
 */
export async function connectRaw(
  edge: Pick<Edge, 'port'>,
  thing: Pick<ThingFiles, 'thingName' | 'certificate' | 'privateKey' | 'ca'>,
  { credentials, ...options }: RawOptions = {},
): Promise<MqttDevice> {
  const [certificate, privateKey, ca] = await Promise.all(
    [thing.certificate, thing.privateKey, thing.ca].map((file) => readFile(file, 'utf8')),
  );
  return MqttDevice.connect(
    thing.thingName,
    credentials ?? { certificate: certificate as string, privateKey: privateKey as string },
    edge.port,
    { ...(ca !== undefined && { ca }), rejectUnauthorized: true, ...options },
  );
}

/** Connected, subscribed to its replies, and joined. */
export async function openRaw(
  edge: Pick<Edge, 'port'>,
  thing: Pick<ThingFiles, 'thingName' | 'certificate' | 'privateKey' | 'ca'>,
  options: RawOptions = {},
): Promise<MqttDevice> {
  const device = await connectRaw(edge, thing, options);
  await device.client.subscribeAsync(`edge/${device.name}/reply/+`, { qos: 0 });
  const requestId = `join-${Date.now()}`;
  await device.ask('join', { requestId });
  await device.reply('joined', requestId);
  return device;
}
