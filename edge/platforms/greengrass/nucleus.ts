import { createClient, model } from 'aws-iot-device-sdk-v2/dist/greengrasscoreipc';
import { EdgeError } from '../../../protocol';
import { backgroundClock } from '../../../lib/clock';
import { withinTime } from '../../../lib/timeLimit';

/** What the core needs of the nucleus that runs it: Greengrass IPC, through AWS's client. */
export interface NucleusClient {
  /** Of this component, as it is now. Throws DISCONNECTED. */
  configuration(): Promise<unknown>;
  /** Hears of each change below the top-level key. Throws DISCONNECTED. */
  onConfigurationUpdate(key: string, listener: () => void): Promise<void>;
  /**
   * Messages from AWS IoT Core. Throws CORE_NOT_AUTHORISED or CLOUD_UNREACHABLE; `onEnded` when the
   * subscription ends later on.
   */
  subscribe(topic: string, listener: (payload: Buffer) => void, onEnded: () => void): Promise<void>;
  /** At QoS 1; resolves when the nucleus has it. Throws CORE_NOT_AUTHORISED or CLOUD_UNREACHABLE. */
  publish(topic: string, payload: string): Promise<void>;
  /**
   * Messages that other components publish locally, by a filter with MQTT's wildcards (nucleus ≥ 2.6.0),
   * which leaves out what this component publishes itself. Throws CORE_NOT_AUTHORISED or DISCONNECTED;
   * `onEnded` when the subscription ends later on.
   */
  subscribeLocal(filter: string, listener: LocalListener, onEnded: () => void): Promise<void>;
  /** To whoever subscribes on this core device now. Throws CORE_NOT_AUTHORISED or DISCONNECTED. */
  publishLocal(topic: string, payload: string): Promise<void>;
  reportState(state: 'RUNNING' | 'ERRORED'): Promise<void>;
  /** Once: the nucleus has gone, and with it the secret by which it knew this process. */
  onDisconnected(listener: () => void): void;
  close(): Promise<void>;
}

export type LocalListener = (topic: string, payload: Buffer) => void;

/** AWS's client may wait for ever where the nucleus refuses a subscription; a busy nucleus takes a second. */
const ANSWER_MS = 15_000;

/** Connects with what the nucleus put into the environment. Throws CONFIG_INVALID outside of a component. */
export async function connectNucleus(): Promise<NucleusClient> {
  const client = createConnected();
  try {
    await client.connect();
  } catch (error) {
    throw new EdgeError('DISCONNECTED', `the Greengrass nucleus: ${reasonOf(error)}`, { cause: error });
  }
  let closed = false;
  return {
    async configuration() {
      const answer = await asked(client.getConfiguration({ keyPath: [] }), 'DISCONNECTED');
      return answer.value as unknown;
    },
    async onConfigurationUpdate(key, listener) {
      const updates = client.subscribeToConfigurationUpdate({ keyPath: [key] });
      updates.on('message', () => listener());
      await asked(updates.activate(), 'DISCONNECTED');
    },
    async subscribe(topic, listener, onEnded) {
      const stream = client.subscribeToIoTCore({ topicName: topic, qos: model.QOS.AT_LEAST_ONCE });
      stream.on('message', ({ message }) => listener(bytesOf(message?.payload)));
      await asked(stream.activate(), 'CLOUD_UNREACHABLE');
      stream.on('streamError', () => void stream.close().then(onEnded, onEnded));
      stream.on('ended', onEnded);
    },
    async publish(topicName, payload) {
      const request = { topicName, payload, qos: model.QOS.AT_LEAST_ONCE };
      await asked(client.publishToIoTCore(request), 'CLOUD_UNREACHABLE');
    },
    async subscribeLocal(filter, listener, onEnded) {
      const stream = client.subscribeToTopic({ topic: filter });
      stream.on('message', ({ binaryMessage, jsonMessage }) => {
        const topic = (binaryMessage ?? jsonMessage)?.context?.topic;
        if (topic === undefined) return;
        listener(topic, binaryMessage ? bytesOf(binaryMessage.message) : jsonOf(jsonMessage?.message));
      });
      await asked(stream.activate(), 'DISCONNECTED');
      stream.on('streamError', () => void stream.close().then(onEnded, onEnded));
      stream.on('ended', onEnded);
    },
    async publishLocal(topic, payload) {
      const publishMessage = { binaryMessage: { message: payload } };
      await asked(client.publishToTopic({ topic, publishMessage }), 'DISCONNECTED');
    },
    async reportState(state) {
      await asked(client.updateState({ state: model.ReportedLifecycleState[state] }), 'DISCONNECTED');
    },
    onDisconnected(listener) {
      client.on('disconnection', () => closed || listener());
    },
    close() {
      closed = true;
      return client.close();
    },
  };
}

function createConnected() {
  try {
    return createClient();
  } catch (error) {
    throw new EdgeError('CONFIG_INVALID', 'this process is no component of a Greengrass core', {
      cause: error,
    });
  }
}

async function asked<T>(answer: Promise<T>, code: 'DISCONNECTED' | 'CLOUD_UNREACHABLE'): Promise<T> {
  try {
    return await withinTime(backgroundClock, ANSWER_MS, answer, () => {
      throw new Error('no answer of the Greengrass nucleus');
    });
  } catch (error) {
    throw new EdgeError(isRefusal(error) ? 'CORE_NOT_AUTHORISED' : code, reasonOf(error), { cause: error });
  }
}

interface IpcError {
  description?: string;
  serviceError?: { message?: string; _message?: string };
}

/** UnauthorizedError: the component's accessControl does not allow it. */
function isRefusal(error: unknown): boolean {
  return /unauthorized|not authorized/i.test(reasonOf(error));
}

function reasonOf(error: unknown): string {
  const { description, serviceError, message } = error as IpcError & Error;
  return serviceError?.message ?? serviceError?._message ?? description ?? message;
}

function jsonOf(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message ?? null));
}

function bytesOf(payload: unknown): Buffer {
  if (typeof payload === 'string') return Buffer.from(payload);
  if (payload instanceof ArrayBuffer) return Buffer.from(payload);
  if (ArrayBuffer.isView(payload)) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return Buffer.alloc(0);
}
