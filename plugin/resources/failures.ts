import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import { arnOf, type Resources } from '../../lib/cloudFormation';
import type { TemplateContext } from './templateContext';

/** Logical id of the queue of events that a function failed to handle after every retry. */
export const FAILURES = 'EdgeFailures';

const FOURTEEN_DAYS = 14 * 24 * 60 * 60;

export function failureResources({ stack }: TemplateContext): Resources {
  const resources: Resources = {
    [FAILURES]: {
      Type: 'AWS::SQS::Queue',
      Properties: { MessageRetentionPeriod: FOURTEEN_DAYS, SqsManagedSseEnabled: true },
    },
  };
  for (const { name, failures } of SYSTEM_FUNCTIONS) {
    if (failures !== 'queue') continue;
    const lambda = stack.functionId(name);
    resources[`${lambda}OnFailure`] = {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: lambda },
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 2,
        DestinationConfig: { OnFailure: { Destination: arnOf(FAILURES) } },
      },
    };
  }
  return resources;
}
