// A device on MQTT.js alone, written from docs/asyncapi.json: nothing of serverless-edge-on-demand is
// imported. It joins, has a function brought to the edge, calls it and waits for the result, calls it
// without waiting, and exits 0; or 1 at the first thing that fails. One JSON line per message.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { clearInterval, clearTimeout, setInterval } from 'node:timers';
import { parseArgs } from 'node:util';
import mqtt from 'mqtt';

const USAGE =
  'usage: node device.mjs --host <host> --port <port> --cert <file> --key <file> --ca <file> --thing <name> ' +
  '--function <name> [--version <range>] [--input <JSON>] [--prefix edge] [--timeout 30000]';

const RETRY_MS = 2_000;

class Device {
  #options;
  #client;
  #waiting = new Map();

  constructor(options, client) {
    this.#options = options;
    this.#client = client;
    client.on('message', (topic, payload) => this.#receive(topic, payload));
  }

  static async connect(options) {
    const client = mqtt.connect({
      protocol: 'mqtts',
      host: options.host,
      port: Number(options.port),
      cert: readFileSync(options.cert),
      key: readFileSync(options.key),
      ca: readFileSync(options.ca),
      // The edge ties the client id to the certificate: it must be the thing's name.
      clientId: options.thing,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 500,
    });
    // MQTT.js leaves Nagle's algorithm on, which holds small messages back for up to 40 ms.
    client.on('connect', () => client.stream.setNoDelay(true));
    await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject)).catch(
      (error) => {
        client.end(true);
        throw error;
      },
    );
    // A broken connection shows here too; MQTT.js connects and subscribes again by itself.
    client.on('error', (error) => print({ event: 'error', message: error.message }));
    const device = new Device(options, client);
    // Replies at QoS 0 suffice: a lost one comes again, because the question is asked again.
    await client.subscribeAsync(device.#topic('reply/+'), { qos: 0 });
    client.on('connect', () => device.#askAgain());
    return device;
  }

  /** Asks until one of `expected` comes back, always under the same request id: the edge then answers from memory. */
  async ask(kind, message, expected) {
    const topic = this.#topic(`ask/${kind}`);
    // A publish that a broken connection ends is made again by the next try.
    const send = () => void this.#publish(topic, message, 0).catch(() => undefined);
    let settle;
    const answered = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.#waiting.set(message.requestId, { expected, send, ...settle });
    const retry = setInterval(send, RETRY_MS);
    const deadline = setTimeout(
      () => settle.reject(new Error(`no answer to ${kind} in time`)),
      Number(this.#options.timeout),
    );
    send();
    try {
      return await answered;
    } finally {
      clearInterval(retry);
      clearTimeout(deadline);
      this.#waiting.delete(message.requestId);
    }
  }

  /** Nothing answers an asynchronous call, so that the broker's acknowledgement (QoS 1) is what counts. */
  async call(topic, message) {
    await this.#publish(topic, message, 1);
  }

  async close() {
    await this.#client.endAsync();
  }

  #topic(rest) {
    return `${this.#options.prefix}/${this.#options.thing}/${rest}`;
  }

  #publish(topic, message, qos) {
    print({ event: 'sent', topic, message });
    return this.#client.publishAsync(topic, JSON.stringify(message), { qos });
  }

  #askAgain() {
    for (const { send } of this.#waiting.values()) send();
  }

  #receive(topic, payload) {
    const message = JSON.parse(payload.toString());
    print({ event: 'received', topic, message });
    const kind = topic.split('/').at(-1);
    const waiting = this.#waiting.get(message.requestId);
    if (waiting === undefined) return;
    if (kind === 'failed') waiting.reject(Object.assign(new Error(message.error.message), message.error));
    else if (waiting.expected.includes(kind)) waiting.resolve({ kind, message });
  }
}

function print(line) {
  console.log(JSON.stringify(line));
}

function readOptions() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      host: { ...text, default: 'localhost' },
      port: { ...text, default: '8883' },
      cert: text,
      key: text,
      ca: text,
      thing: text,
      function: text,
      version: text,
      input: { ...text, default: '{}' },
      prefix: { ...text, default: 'edge' },
      timeout: { ...text, default: '30000' },
    },
  });
  const missing = ['cert', 'key', 'ca', 'thing', 'function'].filter((name) => values[name] === undefined);
  if (missing.length > 0) throw new Error(`missing --${missing.join(', --')}\n${USAGE}`);
  return { ...values, input: JSON.parse(values.input) };
}

/** Stages I and II under one request id: request → available → confirm → ready, or ready at once. */
async function deploy(device, options) {
  const requestId = randomUUID();
  const wanted = {
    requestId,
    function: options.function,
    ...(options.version && { version: options.version }),
  };
  const offered = await device.ask('request', wanted, ['available', 'ready']);
  if (offered.kind === 'ready') return offered.message;
  const ready = await device.ask('confirm', { requestId }, ['ready']);
  return ready.message;
}

async function main() {
  const options = readOptions();
  const device = await Device.connect(options);
  try {
    await device.ask('join', { requestId: randomUUID(), client: { name: 'mqtt-device', version: '1' } }, [
      'joined',
    ]);
    const { version, callTopic } = await deploy(device, options);
    const { input } = options;
    const invocation = { requestId: randomUUID(), function: options.function, version, input };
    const result = await device.ask('invoke', invocation, ['result']);
    await device.call(callTopic, { requestId: randomUUID(), version, input });
    print({ event: 'done', output: result.message.output });
  } finally {
    await device.close();
  }
}

main().catch((error) => {
  print({ event: 'failed', code: error.code, message: error.message });
  process.exitCode = 1;
});
