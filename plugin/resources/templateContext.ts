import type { ServiceStack } from '../../handlers/descriptor';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { AwsProvider, ServerlessService } from '../framework';

/** What resources are made from. */
export interface TemplateContext {
  configuration: EdgeConfiguration;
  stack: ServiceStack;
  service: ServerlessService;
  provider: AwsProvider;
}
