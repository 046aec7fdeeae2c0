import type { ResourceContext } from './resource';
import { sub } from './resource';

/** The HTTP API that the routes are on: the stack's own, or one that `provider.httpApi.id` names. */
function apiId({ service, provider }: ResourceContext): unknown {
  return service.provider.httpApi?.id ?? { Ref: provider.naming.getHttpApiLogicalId() };
}

export function apiUrl(context: ResourceContext): unknown {
  if (context.service.provider.httpApi?.id === undefined) {
    return { 'Fn::GetAtt': [context.provider.naming.getHttpApiLogicalId(), 'ApiEndpoint'] };
  }
  return sub('https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}', { Api: apiId(context) });
}

/** ARN of everything below `path` with one method, on every stage. */
export function routeArn(context: ResourceContext, method: string, path: string): unknown {
  return sub(
    `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/*/${method}${path}`,
    {
      Api: apiId(context),
    },
  );
}
