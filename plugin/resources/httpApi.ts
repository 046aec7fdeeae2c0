import { sub } from '../../lib/cloudFormation';
import type { AwsProvider, ServerlessService } from '../framework';

/** `id`: as `provider.httpApi.id` names it; undefined for the stack's own API. */
export function apiUrlOf(id: unknown, provider: AwsProvider): unknown {
  if (id === undefined) return { 'Fn::GetAtt': [provider.naming.getHttpApiLogicalId(), 'ApiEndpoint'] };
  return sub('https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}', { Api: id });
}

/** ARN of everything below `path` with one method, on the stage that the API's own address leads to. */
export function routeArn(
  service: ServerlessService,
  provider: AwsProvider,
  method: string,
  path: string,
): unknown {
  const Api = service.provider.httpApi?.id ?? { Ref: provider.naming.getHttpApiLogicalId() };
  return sub(
    `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/$default/${method}${path}`,
    { Api },
  );
}
