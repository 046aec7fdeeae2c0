import { AwsError } from '../../../base/context';
import { jsonResponse } from '../../../base/rest/json';
import { deleteEventInvokeConfig, setEventInvokeConfig } from '../eventInvokeConfigs';
import { LATEST } from '../functionRecord';
import { eventInvokeConfigSchema, type ParsedEventInvokeConfig } from '../props';
import type { Access } from './access';
import type { ApiRequest, Operation } from './router';

const EVENT_INVOKE = '/2019-09-25/functions/{name}/event-invoke-config';

/** Operations on what becomes of failed asynchronous invocations. */
export function eventInvokeOperations(access: Access, now: () => number): Operation[] {
  const find = (request: ApiRequest, action: string) => {
    const { record, ref } = access.function(request, action);
    const qualifier = ref.qualifier ?? LATEST;
    const answer = (config: ParsedEventInvokeConfig | undefined) => {
      if (config !== undefined) {
        const { Qualifier: _own, ...rest } = config;
        return jsonResponse({
          ...rest,
          FunctionArn: `${record.arn}:${qualifier}`,
          LastModified: now() / 1000,
        });
      }
      throw new AwsError(
        'ResourceNotFoundException',
        `The function ${record.arn}:${qualifier} doesn't have an EventInvokeConfig`,
        404,
      );
    };
    return { record, qualifier, answer };
  };
  return [
    {
      name: 'PutFunctionEventInvokeConfig',
      method: 'PUT',
      path: EVENT_INVOKE,
      run: (request) => {
        const { record, qualifier, answer } = find(request, 'PutFunctionEventInvokeConfig');
        const config = request.json(eventInvokeConfigSchema);
        setEventInvokeConfig(record, qualifier, config);
        return answer(config);
      },
    },
    {
      name: 'GetFunctionEventInvokeConfig',
      method: 'GET',
      path: EVENT_INVOKE,
      run: (request) => {
        const { record, qualifier, answer } = find(request, 'GetFunctionEventInvokeConfig');
        return answer(record.eventInvokeConfigs.get(qualifier));
      },
    },
    {
      name: 'DeleteFunctionEventInvokeConfig',
      method: 'DELETE',
      path: EVENT_INVOKE,
      run: (request) => {
        const { record, qualifier } = find(request, 'DeleteFunctionEventInvokeConfig');
        deleteEventInvokeConfig(record, qualifier);
        return { status: 204 };
      },
    },
  ];
}
