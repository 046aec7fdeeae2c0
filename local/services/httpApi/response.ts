import { z } from 'zod';
import type { HttpResponse } from '../../base/http';

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const proxyResponseSchema = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), scalar).nullish(),
  multiValueHeaders: z.record(z.string(), z.array(scalar)).nullish(),
  body: z.union([z.string(), z.number(), z.boolean()]).nullish(),
  isBase64Encoded: z.boolean().nullish(),
  cookies: z.array(z.string()).nullish(),
});

/** Headers that the server sets itself. */
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
]);

/**
 * A function's result as an HTTP response, payload format 2.0: with `statusCode` it is taken as it
 * stands, without it becomes the JSON body of a 200. Undefined when the result is malformed.
 * Source: API Gateway developer guide, "Lambda function response for format 2.0".
 */
export function toHttpResponse(output: unknown): HttpResponse | undefined {
  if (output === null || typeof output !== 'object' || !('statusCode' in output)) {
    const body = typeof output === 'string' ? output : JSON.stringify(output ?? null);
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
  const parsed = proxyResponseSchema.safeParse(output);
  if (!parsed.success) return undefined;
  const { statusCode, body, isBase64Encoded, cookies } = parsed.data;
  const headers: Record<string, string | string[]> = { 'content-type': 'text/plain;charset=utf-8' };
  const given = { ...parsed.data.headers, ...parsed.data.multiValueHeaders };
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower)) headers[lower] = value;
  }
  if (cookies != null && cookies.length > 0) headers['set-cookie'] = cookies;
  const text = body == null ? '' : String(body);
  return { status: statusCode, headers, body: isBase64Encoded ? Buffer.from(text, 'base64') : text };
}

/** API Gateway's own answers: `{"message":"Forbidden"}`. */
export function gatewayResponse(status: number, message: string): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}
