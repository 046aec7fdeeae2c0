import type { ServiceStack } from '../../handlers/descriptor';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { Serverless } from '../framework';
import { cloudFunctionOf } from '../packaging/functionConfig';
import { routesUrl } from './httpApi';

/** What descriptors of system functions and engines are given of a service. */
export function stackOf(serverless: Serverless, configuration: EdgeConfiguration): ServiceStack {
  const { service } = serverless;
  const provider = serverless.getProvider('aws');
  const { functions } = configuration.section;
  return {
    ...configuration,
    functionId: (name) => provider.naming.getLambdaLogicalId(name),
    httpUrl: () => routesUrl(service.provider.httpApi?.id, provider, configuration),
    cloudFunctions: () =>
      Object.entries(functions)
        .filter(([, entry]) => entry?.locations?.includes('cloud'))
        .map(([name]) => cloudFunctionOf(name, service.functions[name] ?? {}, configuration)),
  };
}
