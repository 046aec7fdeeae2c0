import { randomUUID } from 'node:crypto';
import { AwsError, type CloudContext } from '../../../base/context';
import type { HttpResponse } from '../../../base/http';
import type { AsyncInvocations } from '../asyncInvocations';
import type { Functions } from '../functions';
import { resolveVersion } from '../functionRecord';
import { requireInvocable, requirePayloadSize, type Invoker } from '../invoker';
import type { Access } from './access';
import { parseJson, type Operation } from './router';

export interface InvokeOperationOptions {
  context: CloudContext;
  functions: Functions;
  access: Access;
  invoker: Invoker;
  asyncInvocations: AsyncInvocations;
  now(): number;
}

/** Invoke: RequestResponse, Event and DryRun. Source: AWS Lambda API reference, "Invoke". */
export function invokeOperation(options: InvokeOperationOptions): Operation {
  const { context, functions, access, invoker, asyncInvocations, now } = options;
  return {
    name: 'Invoke',
    method: 'POST',
    path: '/2015-03-31/functions/{name}/invocations',
    async run(request): Promise<HttpResponse> {
      const ref = access.ref(request);
      access.invoke(request.principal, ref);
      const record = functions.get(ref.name);
      const type = request.header('x-amz-invocation-type') ?? 'RequestResponse';
      requirePayloadSize(request.body.length, type === 'Event' ? 'async' : 'sync');
      const call = {
        event: parseJson(request.body),
        requestId: randomUUID(),
        ...clientContextOf(request.header('x-amz-client-context')),
      };
      requireInvocable(record);
      resolveVersion(record, ref.qualifier);
      const headers = { 'x-amzn-requestid': call.requestId };
      if (type === 'DryRun') return { status: 204, headers };
      if (type === 'Event') {
        asyncInvocations.enqueue({
          ...call,
          functionName: ref.name,
          qualifier: ref.qualifier,
          queuedAt: now(),
        });
        return { status: 202, headers };
      }
      if (type !== 'RequestResponse') {
        throw new AwsError('InvalidParameterValueException', `Unsupported invocation type: ${type}`);
      }
      if (request.header('x-amz-log-type') === 'Tail') {
        context.log.warn(
          { missing: 'LogType Tail' },
          'the local Lambda answers no log tail; the output is in this log',
        );
      }
      const result = await invoker.invoke(record, ref.qualifier, call);
      return {
        status: 200,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'x-amz-executed-version': result.executedVersion,
          ...(result.functionError !== undefined && { 'x-amz-function-error': result.functionError }),
        },
        body: result.payload,
      };
    },
  };
}

/** Base64 of a JSON object. */
function clientContextOf(header: string | undefined): { clientContext?: unknown } {
  if (header === undefined) return {};
  try {
    return { clientContext: JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as unknown };
  } catch {
    throw new AwsError(
      'InvalidRequestContentException',
      'Client context must be a valid Base64-encoded JSON object.',
    );
  }
}
