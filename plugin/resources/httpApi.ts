import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import { arnOf, sub, type CloudFormationResource, type Resources } from '../../lib/cloudFormation';
import { ROUTES, type RouteName } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { AwsProvider, CompiledTemplate, ServerlessService } from '../framework';
import { capitalised } from './names';
import type { TemplateContext } from './templateContext';

type Prefixed = Pick<EdgeConfiguration, 'corePrefix'>;

/**
 * Before each path: no other service or stage has it, so that several can share one API, and edge cores
 * may call the routes of their own service alone.
 */
function routePrefix({ corePrefix }: Prefixed): string {
  return `/${corePrefix}`;
}

/** `POST /edge/shop-dev/groups/{group}/functions/{function}/validate` */
export function routeKeyOf(name: RouteName, configuration: Prefixed): string {
  return `${ROUTES[name].method} ${routePrefix(configuration)}${ROUTES[name].path}`;
}

/** What edge cores put before the path of a route. `id`: as `provider.httpApi.id` names the API. */
export function routesUrl(id: unknown, provider: AwsProvider, configuration: Prefixed): unknown {
  const prefix = routePrefix(configuration);
  if (id === undefined) {
    const Api = { 'Fn::GetAtt': [provider.naming.getHttpApiLogicalId(), 'ApiEndpoint'] };
    return sub(`\${Api}${prefix}`, { Api });
  }
  return sub(`https://\${Api}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}${prefix}`, { Api: id });
}

/** ARN of everything below `path` with one method, on the stage that the API's own address leads to. */
export function routeArn(
  { configuration, service, provider }: TemplateContext,
  method: string,
  path: string,
): unknown {
  const route = `$default/${method}${routePrefix(configuration)}${path}`;
  return apiArn(service, provider, route);
}

function apiArn(service: ServerlessService, provider: AwsProvider, below: string): unknown {
  return sub(`arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/${below}`, {
    Api: apiIdOf(service, provider),
  });
}

function apiIdOf(service: ServerlessService, provider: AwsProvider): unknown {
  return service.provider.httpApi?.id ?? { Ref: provider.naming.getHttpApiLogicalId() };
}

/**
 * Routes of the system functions, with IAM authorisation, on the API that the service has: the one that it
 * names, or the one that the framework has made for its own routes. A service without routes gets an API.
 */
export function httpApiResources(context: TemplateContext, { Resources }: CompiledTemplate): Resources {
  const { service, provider } = context;
  const resources: Resources = {};
  if (service.provider.httpApi?.id === undefined && !(provider.naming.getHttpApiLogicalId() in Resources)) {
    Object.assign(resources, ownApi(context));
  }
  for (const { name, trigger } of SYSTEM_FUNCTIONS) {
    if (trigger.routes !== undefined) Object.assign(resources, routesOf(name, trigger.routes, context));
  }
  return resources;
}

/** With the logical ids of the framework: a service that gets routes of its own keeps the address. */
function ownApi({ service, provider: { naming } }: TemplateContext): Resources {
  const { httpApi, tags } = service.provider;
  const api = naming.getHttpApiLogicalId();
  const common = tags === undefined ? {} : { Tags: tags };
  return {
    [api]: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: { Name: naming.getHttpApiName(), ProtocolType: 'HTTP', ...common },
    },
    [`${api}Stage`]: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: {
        ApiId: { Ref: api },
        StageName: '$default',
        AutoDeploy: true,
        DefaultRouteSettings: { DetailedMetricsEnabled: httpApi?.metrics ?? false },
        ...common,
      },
    },
  };
}

function routesOf(name: string, routes: readonly RouteName[], context: TemplateContext): Resources {
  const { configuration, stack, service, provider } = context;
  const lambda = stack.functionId(name);
  const integration = `HttpApiIntegration${capitalised(name)}`;
  const ApiId = apiIdOf(service, provider);
  return {
    [`${lambda.replace(/Function$/, '')}PermissionHttpApi`]: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: arnOf(lambda),
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
        SourceArn: apiArn(service, provider, '*'),
      },
    },
    [integration]: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: arnOf(lambda),
        PayloadFormatVersion: '2.0',
        TimeoutInMillis: 30_000,
      },
    },
    ...Object.fromEntries(
      routes.map((route): [string, CloudFormationResource] => [
        `EdgeRoute${capitalised(route)}`,
        {
          Type: 'AWS::ApiGatewayV2::Route',
          Properties: {
            ApiId,
            RouteKey: routeKeyOf(route, configuration),
            AuthorizationType: 'AWS_IAM',
            Target: { 'Fn::Join': ['/', ['integrations', { Ref: integration }]] },
          },
        },
      ]),
    ),
  };
}
