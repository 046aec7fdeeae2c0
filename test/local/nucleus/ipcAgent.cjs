/**
 * A component on the IPC client of aws-iot-device-sdk-v2, unmodified, in a process of its own because the
 * client is native code. Reads one JSON line per request, { id, operation, input }, and answers { id, result }
 * or { id, error }; what a subscription brings comes as { id, message }. { id, end: true } ends one.
 */
const { createInterface } = require('node:readline');
const { greengrasscoreipc } = require('aws-iot-device-sdk-v2');
const { eventstream } = require('aws-crt');

const say = (line) => process.stdout.write(`${JSON.stringify(line, bytesAsText)}\n`);
const streams = new Map();
const OWN_ANSWER_MS = 1_000;

function bytesAsText(_key, value) {
  return value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value;
}

function describe(error) {
  return { description: String(error.description ?? error), ...error.serviceError };
}

/**
 * The client's own answer to a refusal, once in a thousand times under load, never comes: it waits to have
 * told the end of a stream that the server has ended. The refusal itself has come then.
 */
function refused(started) {
  return new Promise((_, reject) => {
    started.operation.getStream().on('message', ({ message: { type, payload } }) => {
      if (type !== eventstream.MessageType.ApplicationError) return;
      const serviceError = JSON.parse(Buffer.from(payload).toString());
      setTimeout(() => reject({ serviceError }), OWN_ANSWER_MS);
    });
  });
}

async function run(client, { id, operation, input, end }) {
  if (end) return streams.get(id)?.close();
  if (input?.timestamp !== undefined) input.timestamp = new Date(input.timestamp);
  try {
    const started = client[operation](input);
    if (typeof started.activate !== 'function') return say({ id, result: await started });
    streams.set(id, started);
    started.on('message', (message) => say({ id, message }));
    say({ id, result: await Promise.race([started.activate(), refused(started)]) });
  } catch (error) {
    say({ id, error: describe(error) });
  }
}

async function main() {
  const client = greengrasscoreipc.createClient();
  client.on('disconnection', () => process.exit(0));
  try {
    await client.connect();
  } catch (error) {
    say({ event: 'refused', error: describe(error) });
    process.exit(1);
  }
  say({ event: 'connected' });
  createInterface({ input: process.stdin })
    .on('line', (line) => void run(client, JSON.parse(line)))
    .on('close', () => void client.close().then(() => process.exit(0)));
}

void main();
