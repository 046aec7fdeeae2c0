import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './packaged';

/** docs/asyncapi.json as somebody reads it who has nothing else of ours. */
interface AsyncApi {
  channels: Record<string, { address: string; messages: Record<string, { payload: { $ref: string } }> }>;
  components: { schemas: Record<string, object> };
  operations: Record<string, { action: 'send' | 'receive'; channel: { $ref: string } }>;
}

/** As much as is used of ajv 8, which the framework brings: no dependency of ours, and so without types. */
interface Ajv {
  compile(schema: object): Validate;
}
type Validate = ((message: unknown) => boolean) & { errors?: unknown };

export interface Travelled {
  /** Seen from the other side than the edge core: from the device, or the cloud. */
  direction: 'sent' | 'received';
  topic: string;
  message: unknown;
}

interface Channel {
  id: string;
  address: RegExp;
  /** Seen from the edge core, as the document says. */
  action: 'send' | 'receive';
  validate: Validate;
}

/** Tells what the document has against a message. */
export class MessageChecker {
  /** Channels that messages travelled on. */
  readonly used = new Set<string>();

  private constructor(private readonly channels: readonly Channel[]) {}

  static async fromDocument(): Promise<MessageChecker> {
    const text = await readFile(path.join(root, 'docs', 'asyncapi.json'), 'utf8');
    const { channels, components, operations } = JSON.parse(text) as AsyncApi;
    const ajv = newAjv();
    return new MessageChecker(
      Object.entries(operations).map(
        ([
          id,
          {
            action,
            channel: { $ref },
          },
        ]) => {
          const channel = channels[$ref.slice('#/channels/'.length)];
          if (channel === undefined) throw new Error(`operation ${id} refers to nothing: ${$ref}`);
          const anyOf = Object.values(channel.messages).map(({ payload }) => {
            const schema = components.schemas[payload.$ref.slice('#/components/schemas/'.length)];
            if (schema === undefined) throw new Error(`${id} refers to nothing: ${payload.$ref}`);
            return schema;
          });
          const validate = ajv.compile({ anyOf });
          return { id, action, address: addressPattern(channel.address), validate };
        },
      ),
    );
  }

  /** Throws when no channel of the document is that topic in that direction, or the message breaks its schema. */
  check({ direction, topic, message }: Travelled): void {
    const action = direction === 'sent' ? 'receive' : 'send';
    const found = this.channels.filter((channel) => channel.action === action && channel.address.test(topic));
    const [channel] = found;
    if (channel === undefined || found.length > 1) {
      throw new Error(`${found.length} channels are ${topic}, ${direction} by a device`);
    }
    this.used.add(channel.id);
    if (channel.validate(message)) return;
    throw new Error(
      `${channel.id}: ${JSON.stringify(message)} breaks the document: ${JSON.stringify(channel.validate.errors)}`,
    );
  }
}

function addressPattern(address: string): RegExp {
  return new RegExp(`^${address.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

function newAjv(): Ajv {
  const ofFramework = createRequire(require.resolve('serverless/package.json'));
  const { Ajv: AjvClass } = ofFramework('ajv') as { Ajv: new (options: object) => Ajv };
  return new AjvClass({ strict: true, allErrors: true });
}
