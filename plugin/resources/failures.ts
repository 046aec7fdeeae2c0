import { ASYNCHRONOUS } from './roles';
import { arnOf, type ResourceContext, type Resources } from './resource';

const FOURTEEN_DAYS = 14 * 24 * 60 * 60;

/** Where events go that a function failed to handle after every retry. */
export function failureResources({ provider }: ResourceContext): Resources {
  const resources: Resources = {
    EdgeFailures: {
      Type: 'AWS::SQS::Queue',
      Properties: { MessageRetentionPeriod: FOURTEEN_DAYS, SqsManagedSseEnabled: true },
    },
  };
  for (const name of ASYNCHRONOUS) {
    const lambda = provider.naming.getLambdaLogicalId(name);
    resources[`${lambda}OnFailure`] = {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: lambda },
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 2,
        DestinationConfig: { OnFailure: { Destination: arnOf('EdgeFailures') } },
      },
    };
  }
  return resources;
}
