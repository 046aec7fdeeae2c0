import { EventEmitter, once } from 'node:events';
import { AwsError, type CloudContext } from '../../base/context';

interface QueueMessage {
  /** Milliseconds since the epoch. */
  sentAt: number;
  body: string;
}

/**
 * Queues as a sink: failed asynchronous invocations and rules' errors end here. There is no wire
 * protocol; a test and `sls edge dev` read the messages in process.
 */
export interface Queues {
  /** Creating a queue that exists keeps its messages. */
  createQueue(name: string): { arn: string; url: string };
  /** `queue` is a name, an ARN or a URL, here and below. */
  deleteQueue(queue: string): void;
  /** Throws AwsError QueueDoesNotExist. */
  sendMessage(queue: string, body: string): Promise<void>;
  /** Throws AwsError QueueDoesNotExist. Oldest first. */
  messages(queue: string): readonly QueueMessage[];
  /** Resolves with the first message there is, waiting for one if need be. */
  firstMessage(queue: string): Promise<QueueMessage>;
}

/** Older messages are dropped, so that a service left running does not grow for ever. */
const MOST_MESSAGES = 1_000;

export function createQueues(context: Pick<CloudContext, 'account' | 'region' | 'log'>): Queues {
  const queues = new Map<string, QueueMessage[]>();
  const arrivals = new EventEmitter().setMaxListeners(0);

  function find(queue: string): { name: string; messages: QueueMessage[] } {
    const name = nameOf(queue);
    const messages = queues.get(name);
    if (messages === undefined) throw new AwsError('QueueDoesNotExist', `there is no queue ${queue}`, 400);
    return { name, messages };
  }

  return {
    createQueue(name) {
      if (!queues.has(name)) queues.set(name, []);
      const { account, region } = context;
      return {
        arn: `arn:aws:sqs:${region}:${account}:${name}`,
        url: queueUrl(name, context),
      };
    },
    deleteQueue(queue) {
      queues.delete(nameOf(queue));
    },
    async sendMessage(queue, body) {
      const { name, messages } = find(queue);
      messages.push({ sentAt: Date.now(), body });
      if (messages.length > MOST_MESSAGES) messages.shift();
      context.log.warn({ queue: name, bytes: Buffer.byteLength(body) }, 'message in an error queue');
      arrivals.emit(name);
    },
    messages: (queue) => find(queue).messages,
    async firstMessage(queue) {
      const { name, messages } = find(queue);
      if (messages.length === 0) await once(arrivals, name);
      const [first] = messages;
      if (first === undefined) throw new AwsError('QueueDoesNotExist', `${queue} was deleted`, 400);
      return first;
    },
  };
}

export function queueUrl(
  name: string,
  { account, region }: Pick<CloudContext, 'account' | 'region'>,
): string {
  return `https://sqs.${region}.amazonaws.com/${account}/${name}`;
}

function nameOf(queue: string): string {
  return queue.split(/[:/]/).at(-1) ?? '';
}
