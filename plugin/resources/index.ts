import type { CompiledTemplate } from '../framework';
import { bucketResources } from './buckets';
import { failureResources } from './failures';
import { functionResources } from './functions';
import { httpApiResources } from './httpApi';
import { iotResources } from './iot';
import { asRolesOfService, systemFunctionResources } from './roles';
import type { TemplateContext } from './templateContext';
import { thingResources } from './things';

/**
 * Adds everything of ours to the compiled template, and changes nothing in it, before the framework merges
 * `resources:` into it: the user's `resources.extensions` can change each of our resources.
 */
export function addResources(template: CompiledTemplate, context: TemplateContext): void {
  const resources = {
    ...functionResources(context),
    ...httpApiResources(context, template),
    ...bucketResources(context),
    ...systemFunctionResources(context),
    ...iotResources(context),
    ...failureResources(context),
    ...context.stack.engine.descriptor.resources?.(context.stack),
    ...thingResources(context),
  };
  Object.assign(template.Resources, asRolesOfService(resources, context.service));
  template.Outputs = { ...template.Outputs, ...outputs(context) };
}

function outputs(context: TemplateContext): CompiledTemplate['Outputs'] {
  const { configuration } = context;
  const { buckets } = configuration.section;
  const bucket = (logicalId: string, existing: { existing: boolean; name: string } | undefined): unknown =>
    existing?.existing ? existing.name : { Ref: logicalId };
  return {
    EdgeFunctionsBucket: {
      Description: 'Put function packages below uploads/',
      Value: bucket('EdgeFunctionsBucket', buckets.functions),
    },
    EdgeStateBucket: {
      Description: 'Registry and group definitions',
      Value: bucket('EdgeStateBucket', buckets.state),
    },
    EdgeHttpApiUrl: { Description: 'HTTP routes for edge cores', Value: context.stack.httpUrl() },
    EdgeCorePolicy: { Description: 'IoT policy of edge cores', Value: configuration.corePolicyName },
    EdgeDevicePolicy: { Description: 'IoT policy of devices', Value: configuration.devicePolicyName },
    EdgeRoleAlias: { Description: 'Role alias of edge cores', Value: configuration.roleAliasName },
    EdgeCorePrefix: { Description: 'Prefix of core topics', Value: configuration.corePrefix },
    EdgeDevicePrefix: { Description: 'Prefix of device topics', Value: configuration.devicePrefix },
  };
}
