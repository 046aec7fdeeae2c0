import type { z } from 'zod';
import {
  ASKS,
  askSchemas,
  callSchema,
  coreLogsSchema,
  coreStatusSchema,
  coreUpdateSchema,
  edgeStatusSchema,
  REPLIES,
  replySchemas,
  replyTopic,
  revisionNoticeSchema,
  askTopic,
  callTopic,
  coreTopic,
  defaultCorePrefix,
  sharedTopic,
  statusTopic,
  updateAcceptedSchema,
  type CoreKind,
} from '../protocol';
import { embeddedSchema } from './jsonSchema';

/** AsyncAPI 3.0 for the device topics and the core topics. */
interface Channel {
  id: string;
  address: string;
  title: string;
  schema: Record<string, unknown>;
  /** From the point of view of the edge core. */
  action: 'receive' | 'send';
  server: 'edge' | 'cloud';
  retained?: boolean;
  description?: string;
}

const DEVICE = '{device}';
const PREFIX = 'edge';
const CORE_PREFIX = defaultCorePrefix('{service}', '{stage}');

const ASK_NOTES: Record<(typeof ASKS)[number], string> = {
  join: 'First message after every connect. Answered by `joined` or `failed`.',
  request:
    'Asks for a function. Answered by `ready` when it is on the edge, `available` when the edge can get it, or `failed`.',
  confirm:
    'Accepts the offer `available` of the same request id. Answered by `progress`, then `ready` or `failed`.',
  release: 'This device needs the function no longer. Answered by `released`.',
  prefetch: 'Brings the package to the edge without starting it. Answered by `prefetched`.',
  invoke: 'Synchronous call. Answered by `result` or `failed`.',
};

function channels(): Channel[] {
  return [
    ...askChannels(),
    callChannel(),
    ...replyChannels(),
    statusChannel(),
    sharedChannel(),
    ...coreChannels(),
  ];
}

function askChannels(): Channel[] {
  return ASKS.map((ask) => ({
    id: `ask.${ask}`,
    address: askTopic(PREFIX, DEVICE, ask),
    title: ask,
    description: ASK_NOTES[ask],
    schema: embeddedSchema(askSchemas[ask] as z.ZodType, 'input'),
    action: 'receive',
    server: 'edge',
  }));
}

function callChannel(): Channel {
  return {
    id: 'call',
    address: callTopic(PREFIX, DEVICE, '{function}'),
    title: 'call',
    description: 'Asynchronous call; the result is discarded, a failure is answered by `failed`.',
    schema: embeddedSchema(callSchema, 'input'),
    action: 'receive',
    server: 'edge',
  };
}

function replyChannels(): Channel[] {
  return REPLIES.map((reply) => ({
    id: `reply.${reply}`,
    address: replyTopic(PREFIX, DEVICE, reply),
    title: reply,
    schema: embeddedSchema(replySchemas[reply] as z.ZodType, 'output'),
    action: 'send',
    server: 'edge',
  }));
}

function statusChannel(): Channel {
  return {
    id: 'status',
    address: statusTopic(PREFIX),
    title: 'status',
    schema: embeddedSchema(edgeStatusSchema, 'output'),
    action: 'send',
    server: 'edge',
    retained: true,
  };
}

function sharedChannel(): Channel {
  return {
    id: 'shared',
    address: sharedTopic(PREFIX, '{topic}'),
    title: 'shared',
    description:
      'What functions publish, at QoS 0 and not retained, to the devices that subscribe to a filter below `edge/shared/`. No device may publish there.',
    // Whatever the function that publishes says.
    schema: {},
    action: 'send',
    server: 'edge',
    retained: false,
  };
}

const CORE_NOTES: Record<CoreKind, string> = {
  update:
    'What the group is to have from now on: claims of devices, devices that joined, and `failures`, versions that do not start there. Under 2 KB. Sent again under the same request id until it is answered by `accepted` or `refused`, or a definition shows it.',
  status:
    'What runs on the edge, after each change and at the latest after `heartbeat` seconds. The youngest is the one with the highest `boot` and `seq`.',
  log: 'Lines of the log of the core and its functions, from the level on that the group definition names.',
  revision:
    'There is a newer definition to be fetched over HTTP. With `error`, and then not retained: what the deployment of this revision should have brought does not come, and why; devices that wait for it are told.',
  accepted: 'The update is stored and will be absorbed by a definition.',
  refused: 'The update changes nothing, and why. Without a request id where that could not be read.',
};

function coreChannels(): Channel[] {
  const channel = (
    kind: Parameters<typeof coreTopic>[2],
    schema: Record<string, unknown>,
    action: Channel['action'],
    retained = false,
  ): Channel => ({
    id: `core.${kind}`,
    address: coreTopic(CORE_PREFIX, '{core}', kind),
    title: kind,
    description: CORE_NOTES[kind],
    schema,
    action,
    server: 'cloud',
    retained,
  });
  return [
    channel('update', embeddedSchema(coreUpdateSchema, 'input'), 'send'),
    channel('status', embeddedSchema(coreStatusSchema, 'input'), 'send'),
    channel('log', embeddedSchema(coreLogsSchema, 'input'), 'send'),
    channel('revision', embeddedSchema(revisionNoticeSchema, 'output'), 'receive', true),
    channel('accepted', embeddedSchema(updateAcceptedSchema, 'output'), 'receive'),
    channel('refused', embeddedSchema(replySchemas.failed, 'output'), 'receive'),
  ];
}

function parametersOf(address: string): Record<string, { description: string }> {
  const described: Record<string, string> = {
    topic: 'What a function publishes to, one level or several; devices may subscribe with wildcards.',
    device: 'Thing name of the device; the broker ties it to the client certificate.',
    function: 'Name of the function.',
    core: 'Thing name of the edge core.',
    service: 'Name of the service in serverless.yml.',
    stage: 'Stage of the service.',
  };
  return Object.fromEntries(
    [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [
      name,
      { description: described[name] ?? '' },
    ]),
  );
}

export function asyncApi(): unknown {
  const all = channels();
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'serverless-edge-on-demand',
      version: '1',
      license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
      description:
        'MQTT 3.1.1. JSON payloads of at most 128 KB. A device connects to its edge core with mutual TLS; its client id is its thing name, its certificate is listed in the definition of the edge group. Sessions end with the connection, whatever CONNECT asks for: after each one the device subscribes to `edge/<device>/reply/+` and sends `join` first. It may have 50 subscriptions. Replies come at QoS 0; send at QoS 0 or 1. A request that is sent again with the same request id within 10 minutes of its answer is answered from memory and not run again. The memory holds the last 2048 requests of a device and 4 MB of its answers, and it ends with the process of the edge core: after a restart of the core a repeated request may run a second time. Operations are described from the point of view of the edge core.',
    },
    defaultContentType: 'application/json',
    servers: {
      edge: {
        host: 'edge-core:8883',
        protocol: 'secure-mqtt',
        protocolVersion: '3.1.1',
        security: [{ type: 'X509' }],
      },
      cloud: {
        host: 'iot-core:8883',
        protocol: 'secure-mqtt',
        protocolVersion: '3.1.1',
        security: [{ type: 'X509' }],
      },
    },
    channels: Object.fromEntries(all.map((channel) => [channel.id, channelObject(channel)])),
    // Named, so that what generators make of them has these names.
    components: {
      schemas: Object.fromEntries(
        all.map(({ id, schema }) => [schemaName(id), { title: schemaName(id), ...schema }]),
      ),
    },
    operations: Object.fromEntries(
      all.map(({ id, action, title }) => [
        id,
        {
          action,
          channel: { $ref: `#/channels/${id}` },
          messages: [{ $ref: `#/channels/${id}/messages/${title}` }],
        },
      ]),
    ),
  };
}

/** `ask.join` is `AskJoin`. */
function schemaName(id: string): string {
  return id
    .split('.')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

function channelObject(channel: Channel): unknown {
  return {
    address: channel.address,
    servers: [{ $ref: `#/servers/${channel.server}` }],
    ...(channel.description === undefined ? {} : { description: channel.description }),
    parameters: parametersOf(channel.address),
    messages: {
      [channel.title]: {
        name: channel.title,
        payload: { $ref: `#/components/schemas/${schemaName(channel.id)}` },
      },
    },
    ...(channel.retained ? { 'x-retained': true } : {}),
  };
}
