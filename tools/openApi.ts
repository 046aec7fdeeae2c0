import type { z } from 'zod';
import { errorResponseSchema, ROUTES } from '../protocol';
import { embeddedSchema } from './jsonSchema';

/** OpenAPI 3.1 for the HTTP routes between edge cores and the cloud. */
export function openApi(): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, route] of Object.entries(ROUTES)) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(operationId, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'serverless-edge-on-demand: HTTP routes',
      version: '1',
      description:
        'For edge cores. AWS Signature Version 4, service execute-api; credentials come from the AWS IoT credentials provider, so that the role session name is the certificate id of the core.',
    },
    paths,
    components: {
      schemas: { Error: embeddedSchema(errorResponseSchema, 'output') },
      securitySchemes: {
        sigv4: { type: 'apiKey', in: 'header', name: 'Authorization', description: 'AWS SigV4' },
      },
    },
    security: [{ sigv4: [] }],
  };
}

interface Route {
  path: string;
  handler: string;
  request: z.ZodType | undefined;
  response: z.ZodType;
}

const ETAG = {
  ETag: { schema: { type: 'string' }, description: 'Of the latest definition; not with an older revision.' },
};

function operation(operationId: string, route: Route): unknown {
  const isDefinition = operationId === 'getGroupDefinition';
  return {
    operationId,
    tags: [route.handler],
    parameters: [...pathParameters(route.path), ...(isDefinition ? definitionParameters() : [])],
    ...(route.request === undefined
      ? {}
      : { requestBody: { required: true, content: json(embeddedSchema(route.request, 'input')) } }),
    responses: {
      '200': {
        description: 'OK',
        ...(isDefinition ? { headers: ETAG } : {}),
        content: json(embeddedSchema(route.response, 'output')),
      },
      ...(isDefinition ? { '304': { description: 'Not modified', headers: ETAG } } : {}),
      default: { description: 'A coded refusal', content: json({ $ref: '#/components/schemas/Error' }) },
    },
  };
}

function pathParameters(path: string): unknown[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function definitionParameters(): unknown[] {
  return [
    { name: 'revision', in: 'query', schema: { type: 'integer' }, description: 'An older revision.' },
    { name: 'If-None-Match', in: 'header', schema: { type: 'string' } },
  ];
}

function json(schema: unknown): unknown {
  return { 'application/json': { schema } };
}
