import type { z } from 'zod';
import { errorResponseSchema, ROUTES } from '../protocol';
import type { RouteName } from '../protocol/http';
import { embeddedSchema } from './jsonSchema';

const SUMMARIES: Record<RouteName, string> = {
  validateFunction: 'May this device use the function, in which version, and where is its package?',
  cloudRemoteExecution: 'Calls a function in the cloud for a device, or for a function on the edge',
  getGroupDefinition: 'What the group is to run: the latest definition, or an older revision',
  getPackage: 'Where to fetch a package that the definition of the group names',
  getDevice: 'Which device of the group has this certificate?',
};

/** OpenAPI 3.1 for the HTTP routes between edge cores and the cloud. */
export function openApi(): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  const schemas: Record<string, unknown> = { Error: embeddedSchema(errorResponseSchema, 'output') };
  for (const [name, route] of Object.entries(ROUTES)) {
    const operationId = name as RouteName;
    if (route.request !== undefined)
      schemas[`${pascal(name)}Request`] = embeddedSchema(route.request, 'input');
    schemas[`${pascal(name)}Response`] = embeddedSchema(route.response, 'output');
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(operationId, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'serverless-edge-on-demand: HTTP routes',
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'For edge cores. AWS Signature Version 4, service execute-api; credentials come from the AWS IoT credentials provider, so that the role session name is the certificate id of the core.',
    },
    servers: [
      {
        url: 'https://{api}.execute-api.{region}.amazonaws.com',
        description: 'The HTTP API of the service: output EdgeHttpApiUrl of its stack',
        variables: { api: { default: 'abcdef1234' }, region: { default: 'eu-west-1' } },
      },
    ],
    tags: [...new Set(Object.values(ROUTES).map(({ handler }) => handler))].map((name) => ({
      name,
      description: `Answered by the system function ${name}`,
    })),
    paths,
    components: {
      schemas,
      responses: {
        Refusal: { description: 'A coded refusal', content: json('Error') },
      },
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

function operation(operationId: RouteName, route: Route): unknown {
  const isDefinition = operationId === 'getGroupDefinition';
  const refusal = { $ref: '#/components/responses/Refusal' };
  return {
    operationId,
    summary: SUMMARIES[operationId],
    tags: [route.handler],
    parameters: [...pathParameters(route.path), ...(isDefinition ? definitionParameters() : [])],
    ...(route.request === undefined
      ? {}
      : { requestBody: { required: true, content: json(`${pascal(operationId)}Request`) } }),
    responses: {
      '200': {
        description: 'OK',
        ...(isDefinition ? { headers: ETAG } : {}),
        content: json(`${pascal(operationId)}Response`),
      },
      ...(isDefinition ? { '304': { description: 'Not modified', headers: ETAG } } : {}),
      '4XX': refusal,
      '5XX': refusal,
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

function json(schema: string): unknown {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}

function pascal(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
