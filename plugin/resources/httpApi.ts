import type { AwsProvider } from '../framework';
import type { ResourceContext } from './resource';
import { sub } from './resource';

/** The HTTP API that the routes are on: the stack's own, or one that `provider.httpApi.id` names. */
function apiId({ service, provider }: ResourceContext): unknown {
  return service.provider.httpApi?.id ?? { Ref: provider.naming.getHttpApiLogicalId() };
}

export function apiUrl({ service, provider }: ResourceContext): unknown {
  return apiUrlOf(service.provider.httpApi?.id, provider);
}

/** `id`: as `provider.httpApi.id` names it; undefined for the stack's own API. */
export function apiUrlOf(id: unknown, provider: AwsProvider): unknown {
  if (id === undefined) return { 'Fn::GetAtt': [provider.naming.getHttpApiLogicalId(), 'ApiEndpoint'] };
  return sub('https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}', { Api: id });
}

/** ARN of everything below `path` with one method, on the stage that the API's own address leads to. */
export function routeArn(context: ResourceContext, method: string, path: string): unknown {
  return sub(
    `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/$default/${method}${path}`,
    {
      Api: apiId(context),
    },
  );
}
