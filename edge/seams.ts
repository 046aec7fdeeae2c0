import { channel, tracingChannel, type Channel, type TracingChannel } from 'node:diagnostics_channel';
import type { Ask, AskMessage, CallMessage, CoreUpdate, Reply, ReplyMessage } from '../protocol';
import type { Cloud } from './ports';

/**
 * What passes between an edge core and the world, published where it passes: the channels are called
 * `edge-on-demand:<seam>`. A message is made only when somebody subscribes, so nobody pays for a seam that
 * nobody watches. What takes time is traced (`tracingChannel`): from its start to its `asyncEnd`.
 */

/** A checked message of a device, before the system functions get it. */
export type DeviceMessage =
  | { device: string; ask: Ask; message: AskMessage }
  | { device: string; functionName: string; message: CallMessage };
export const messagesSeam = channel('edge-on-demand:message') as Channel<unknown, DeviceMessage>;

/** An answer to a device, before it is sent. */
export interface DeviceReply {
  device: string;
  kind: Reply;
  message: ReplyMessage;
}
export const repliesSeam = channel('edge-on-demand:reply') as Channel<unknown, DeviceReply>;

/** A call of one of the cloud's routes, or a download. */
export interface CloudCall {
  operation: keyof Cloud;
  functionName?: string;
  requestId?: string;
  /** Bytes of a package. */
  size?: number;
}
export const cloudSeam: TracingChannel<unknown, CloudCall> = tracingChannel('edge-on-demand:cloud');

/** One copy of a definition update, until the cloud's broker has it. */
export interface SentUpdate {
  update: CoreUpdate;
}
export const updatesSeam: TracingChannel<unknown, SentUpdate> = tracingChannel('edge-on-demand:update');

/** A call of a function that runs here, by its key `name@version`. */
export interface FunctionRun {
  key: string;
  requestId: string;
}
export const runsSeam: TracingChannel<unknown, FunctionRun> = tracingChannel('edge-on-demand:run');
