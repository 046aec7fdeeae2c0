import { AwsError, type CloudContext } from '../../../base/context';
import { jsonErrorResponse } from '../../../base/rest/json';
import type { HttpRequest, HttpResponse } from '../../../base/http';
import { Access } from './access';
import { aliasOperations } from './aliasOperations';
import { eventInvokeOperations } from './eventInvokeOperations';
import { functionOperations } from './functionOperations';
import { invokeOperation, type InvokeOperationOptions } from './invokeOperation';
import { permissionOperations } from './permissionOperations';
import { createRouter, toApiRequest } from './router';

export type ApiOptions = Omit<InvokeOperationOptions, 'access'>;

/** The wire API of Lambda: REST-JSON with SigV4, as `@aws-sdk/client-lambda` speaks it. */
export function createApiHandler(options: ApiOptions): (request: HttpRequest) => Promise<HttpResponse> {
  const { context, functions, now } = options;
  const access = new Access(context, functions);
  const find = createRouter([
    ...functionOperations(functions, access),
    ...aliasOperations(access),
    ...permissionOperations(access),
    ...eventInvokeOperations(access, now),
    invokeOperation({ ...options, access }),
  ]);
  return async (request) => {
    const path = request.url.split('?')[0] ?? '';
    try {
      const principal = await context.iam.authenticate(request, 'lambda');
      const routed = find(request.method, path);
      if (routed === undefined) throw notImplemented(context, request.method, path);
      context.log.debug({ operation: routed.operation.name, principal: principal.arn }, 'lambda');
      return await routed.operation.run(toApiRequest(request, principal, routed.params));
    } catch (error) {
      if (error instanceof AwsError && error.message.includes('not supported by the local cloud')) {
        context.log.warn(
          { missing: error.message, method: request.method, path },
          'lambda request not supported',
        );
      }
      return jsonErrorResponse(error, context.log);
    }
  };
}

function notImplemented(context: CloudContext, method: string, path: string): AwsError {
  context.log.warn({ missing: `${method} ${path}` }, 'the local Lambda does not have this operation');
  return new AwsError('NotImplementedException', `The local Lambda does not have ${method} ${path}.`, 501);
}
