import { z } from 'zod';
import type { IntegrationProps, RouteProps } from '.';
import { OUTSIDE } from '../../stack/outside';
import { count, defineResource, booleanOrText, tags } from '../../stack/resource';

const absent = 'NotFoundException';

const api = defineResource({
  type: 'AWS::ApiGatewayV2::Api',
  schema: z.strictObject({
    Name: z.string(),
    ProtocolType: z.literal('HTTP'),
    Description: z.string().optional(),
    DisableExecuteApiEndpoint: booleanOrText.pipe(z.literal(false)).optional(),
    Tags: tags.optional(),
  }),
  attributes: ['ApiEndpoint', 'ApiId'],
  async create({ Name }, { services, generatedName }) {
    const { apiId, apiEndpoint } = await services.httpApi.createApi({
      name: Name,
      apiId: generatedName(64).slice(-10),
    });
    return { ref: apiId, attributes: { ApiId: apiId, ApiEndpoint: apiEndpoint } };
  },
  /** Only the name and tags can change, which nothing here shows. */
  update: async (current) => current,
  absent,
  delete: ({ ref }, _properties, { services }) => services.httpApi.deleteApi(ref),
});

const stage = defineResource({
  type: 'AWS::ApiGatewayV2::Stage',
  schema: z.strictObject({
    ApiId: z.string(),
    StageName: z.string(),
    AutoDeploy: booleanOrText.pipe(z.literal(true, { error: 'must be true in the local cloud' })),
    Description: z.string().optional(),
    DefaultRouteSettings: z.strictObject({ DetailedMetricsEnabled: booleanOrText.optional() }).optional(),
    Tags: tags.optional(),
  }),
  async create({ ApiId, StageName }, { services }) {
    services.httpApi.createStage(ApiId, { stageName: StageName });
    return { ref: StageName, attributes: {} };
  },
  update: async (current) => current,
  replaces: ['ApiId', 'StageName'],
  absent,
  delete: (_current, { ApiId, StageName }, { services }) => services.httpApi.deleteStage(ApiId, StageName),
});

const integrationSchema = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal('2.0', { error: 'only "2.0" is supported by the local cloud' }),
  TimeoutInMillis: count.optional(),
  Description: z.string().optional(),
  /** The service itself always uses POST towards Lambda. */
  IntegrationMethod: z.literal('POST').optional(),
});

function integrationProps(template: z.output<typeof integrationSchema>): IntegrationProps {
  return {
    integrationType: template.IntegrationType,
    integrationUri: template.IntegrationUri,
    payloadFormatVersion: template.PayloadFormatVersion,
    ...(template.TimeoutInMillis === undefined ? {} : { timeoutInMillis: template.TimeoutInMillis }),
  };
}

const integration = defineResource({
  type: 'AWS::ApiGatewayV2::Integration',
  schema: integrationSchema,
  attributes: ['IntegrationId'],
  async create(properties, { services }) {
    const { ApiId } = properties;
    const { integrationId } = services.httpApi.createIntegration(ApiId, integrationProps(properties));
    return { ref: integrationId, attributes: { IntegrationId: integrationId } };
  },
  async update(current, next, _previous, { services }) {
    services.httpApi.updateIntegration(next.ApiId, current.ref, integrationProps(next));
    return current;
  },
  replaces: ['ApiId'],
  absent,
  delete: ({ ref }, { ApiId }, { services }) => services.httpApi.deleteIntegration(ApiId, ref),
});

const routeSchema = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.enum(['AWS_IAM', 'NONE'], { error: 'expected AWS_IAM or NONE' }).default('NONE'),
  OperationName: z.string().optional(),
});

function routeProps({ RouteKey, AuthorizationType, Target }: z.output<typeof routeSchema>): RouteProps {
  return { routeKey: RouteKey, authorizationType: AuthorizationType, target: Target };
}

const route = defineResource({
  type: 'AWS::ApiGatewayV2::Route',
  schema: routeSchema,
  attributes: ['RouteId'],
  async create(properties, { services }) {
    const { routeId } = services.httpApi.createRoute(properties.ApiId, routeProps(properties));
    return { ref: routeId, attributes: { RouteId: routeId } };
  },
  async update(current, next, _previous, { services }) {
    services.httpApi.updateRoute(next.ApiId, current.ref, routeProps(next));
    return current;
  },
  replaces: ['ApiId'],
  absent,
  delete: ({ ref }, { ApiId }, { services }) => services.httpApi.deleteRoute(ApiId, ref),
});

/** An API that somebody else has made, by its id. */
const outsideApi = defineResource({
  type: OUTSIDE.httpApi,
  schema: z.strictObject({ Name: z.string() }),
  attributes: ['ApiEndpoint'],
  async create({ Name: apiId }, { services }) {
    const { apiEndpoint } = await services.httpApi.createApi({ name: apiId, apiId });
    services.httpApi.createStage(apiId, { stageName: '$default' });
    return { ref: apiId, attributes: { ApiEndpoint: apiEndpoint } };
  },
  absent,
  delete: ({ ref }, _properties, { services }) => services.httpApi.deleteApi(ref),
});

export const httpApiResources = [api, stage, integration, route, outsideApi];
