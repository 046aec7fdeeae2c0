import { z } from 'zod';
import { ASKS, askSchemas, parseWith, type AskMessage } from '../../../protocol';
import type { DeviceAsk } from '../../requests/handleDeviceRequest';

/** A Lambda function's context on a V1 core. Older cores write `custom`, newer ones `Custom`. */
export interface V1LambdaContext {
  clientContext?: { Custom?: { subject?: string }; custom?: { subject?: string } } | undefined;
}

/** The topic by which a message came; undefined for an invocation by another function. */
export function incomingTopic(context: V1LambdaContext | undefined): string | undefined {
  const { Custom, custom } = context?.clientContext ?? {};
  return Custom?.subject ?? custom?.subject;
}

/** The system functions take binary payloads, so that even what is no JSON is answered. */
export function bytesOf(event: unknown): Buffer {
  if (Buffer.isBuffer(event)) return event;
  if (event instanceof Uint8Array) return Buffer.from(event);
  return Buffer.from(typeof event === 'string' ? event : JSON.stringify(event ?? null));
}

/** What handleDeviceRequest hands to edgeCoreMonitor, which holds the state of all requests. */
export interface HandedOver {
  device: string;
  ask: DeviceAsk;
  message: AskMessage<DeviceAsk>;
}

const envelopeSchema = z.strictObject({
  device: z.string(),
  ask: z.enum(ASKS).exclude(['invoke']),
  message: z.unknown(),
});

/** Throws BAD_REQUEST. */
export function readHandedOver(payload: Buffer): HandedOver {
  const { device, ask, message } = parseWith(
    envelopeSchema,
    JSON.parse(payload.toString('utf8')) as unknown,
    'handed over',
  );
  return { device, ask, message: parseWith(askSchemas[ask], message, ask) };
}
