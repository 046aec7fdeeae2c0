import type { EdgeConfiguration } from '../configuration/configuration';
import type { AwsProvider, CloudFormationTemplate } from '../framework';
import { bucketResources } from './buckets';
import { failureResources } from './failures';
import { iotResources } from './iot';
import { roleResources } from './roles';

/** Adds everything but the functions themselves to the compiled template. */
export function addResources(
  template: CloudFormationTemplate,
  configuration: EdgeConfiguration,
  provider: AwsProvider,
): void {
  Object.assign(
    template.Resources,
    bucketResources(configuration, provider),
    roleResources(configuration),
    iotResources(configuration, provider),
    failureResources(provider),
  );
  template.Outputs = { ...template.Outputs, ...outputs(configuration, provider) };
}

function outputs(configuration: EdgeConfiguration, provider: AwsProvider): CloudFormationTemplate['Outputs'] {
  const api = provider.naming.getHttpApiLogicalId();
  return {
    EdgeFunctionsBucket: {
      Description: 'Put function packages below uploads/',
      Value: { Ref: 'EdgeFunctionsBucket' },
    },
    EdgeStateBucket: { Description: 'Registry and group definitions', Value: { Ref: 'EdgeStateBucket' } },
    EdgeHttpApiUrl: {
      Description: 'HTTP routes for edge cores',
      Value: { 'Fn::GetAtt': [api, 'ApiEndpoint'] },
    },
    EdgeCorePolicy: { Description: 'IoT policy of edge cores', Value: configuration.corePolicyName },
    EdgeDevicePolicy: { Description: 'IoT policy of devices', Value: configuration.devicePolicyName },
    EdgeRoleAlias: { Description: 'Role alias of edge cores', Value: configuration.roleAliasName },
    EdgeCorePrefix: { Description: 'Prefix of core topics', Value: configuration.corePrefix },
    EdgeDevicePrefix: { Description: 'Prefix of device topics', Value: configuration.devicePrefix },
  };
}
