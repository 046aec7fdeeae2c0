import { EdgeError } from '../protocol/errors';
import type { EdgeStatusMessage, ReplyMessage } from '../protocol/messages';
import type { ReplyBody } from './requests';

/**
 * Light checks of what the edge says: the fields that the client uses, no more, so that an edge may
 * say more in a later version.
 */
export function readJoined(body: ReplyBody): Pick<ReplyMessage<'joined'>, 'edge' | 'revision'> {
  return { edge: text(body, 'edge'), revision: number(body, 'revision') };
}

export function readReady(
  body: ReplyBody,
): Pick<ReplyMessage<'ready'>, 'function' | 'version' | 'callTopic' | 'present'> {
  return {
    function: text(body, 'function'),
    version: text(body, 'version'),
    callTopic: text(body, 'callTopic'),
    present: body.present === true,
  };
}

export function readPrefetched(
  body: ReplyBody,
): Pick<ReplyMessage<'prefetched'>, 'function' | 'version' | 'size'> {
  return { function: text(body, 'function'), version: text(body, 'version'), size: number(body, 'size') };
}

export function readResult(body: ReplyBody): ReplyMessage<'result'> {
  const location = text(body, 'location');
  if (location !== 'edge' && location !== 'cloud') throw unexpected('location');
  return {
    requestId: text(body, 'requestId'),
    function: text(body, 'function'),
    version: text(body, 'version'),
    location,
    output: body.output,
    durationMs: number(body, 'durationMs'),
  };
}

export function readFailed(body: ReplyBody): EdgeError {
  return EdgeError.fromJSON(body.error);
}

/** Undefined when it is none. */
export function readStatus(value: ReplyBody | undefined): EdgeStatusMessage | undefined {
  const { state, revision, edge } = value ?? {};
  if (typeof state !== 'string' || typeof revision !== 'number' || typeof edge !== 'string') return undefined;
  return { state: state as EdgeStatusMessage['state'], revision, edge };
}

/** The JSON object in a payload, or undefined. */
export function parseObject(payload: Uint8Array): ReplyBody | undefined {
  try {
    const value = JSON.parse(Buffer.from(payload).toString('utf8')) as unknown;
    return value !== null && typeof value === 'object' ? (value as ReplyBody) : undefined;
  } catch {
    return undefined;
  }
}

function text(body: ReplyBody, field: string): string {
  const value = body[field];
  if (typeof value !== 'string') throw unexpected(field);
  return value;
}

function number(body: ReplyBody, field: string): number {
  const value = body[field];
  if (typeof value !== 'number') throw unexpected(field);
  return value;
}

function unexpected(field: string): EdgeError {
  return new EdgeError('INTERNAL', `the edge answered without a usable "${field}"`, { field });
}
