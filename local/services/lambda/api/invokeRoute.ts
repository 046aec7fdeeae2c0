import { randomUUID } from 'node:crypto';
import { tryParseJson } from '../../../../lib/json';
import { AwsError, type CloudContext } from '../../../base/context';
import { RestAnswer, type RestCall, type RestRoute } from '../../../base/rest/service';
import type { AsyncInvocations } from '../asyncInvocations';
import { requireInvocable, qualifiedVersion } from '../functionRecord';
import { requirePayloadSize, type Invoker } from '../invoker';
import { ASKS_ITSELF, parseBody, lambdaRoute, refOf, type Access } from './access';

export interface InvokeRouteOptions {
  context: CloudContext;
  access: Access;
  invoker: Invoker;
  asyncInvocations: AsyncInvocations;
}

/** Invoke: RequestResponse, Event and DryRun. Source: AWS Lambda API reference, "Invoke". */
export function invokeRoute(options: InvokeRouteOptions): RestRoute {
  const { context, access, invoker, asyncInvocations } = options;
  const path = 'POST /2015-03-31/functions/{name}/invocations';
  return lambdaRoute('Invoke', path, ASKS_ITSELF, async (call) => {
    const ref = refOf(call);
    access.invoke(call, ref);
    const { record } = access.function(call);
    const type = call.header('x-amz-invocation-type') ?? 'RequestResponse';
    requirePayloadSize(call.body.length, type === 'Event' ? 'async' : 'sync');
    const invocation = { event: parseBody(call.body), requestId: randomUUID(), ...clientContextOf(call) };
    requireInvocable(record);
    qualifiedVersion(record, ref.qualifier);
    const headers = { 'x-amzn-requestid': invocation.requestId };
    if (type === 'DryRun') return new RestAnswer(204, headers);
    if (type === 'Event') {
      asyncInvocations.enqueue(ref, invocation);
      return new RestAnswer(202, headers);
    }
    if (type !== 'RequestResponse') {
      throw new AwsError('InvalidParameterValueException', `Unsupported invocation type: ${type}`);
    }
    if (call.header('x-amz-log-type') === 'Tail') {
      context.log.warn(
        { missing: 'LogType Tail' },
        'the local Lambda answers no log tail; the output is in this log',
      );
    }
    const result = await invoker.invoke(record, ref.qualifier, invocation);
    const { executedVersion, functionError, payload } = result;
    return new RestAnswer(
      200,
      {
        ...headers,
        'content-type': 'application/json',
        'x-amz-executed-version': executedVersion,
        ...(functionError !== undefined && { 'x-amz-function-error': functionError }),
      },
      payload,
    );
  });
}

/** Base64 of a JSON object. */
function clientContextOf({ header }: RestCall): { clientContext?: unknown } {
  const text = header('x-amz-client-context');
  if (text === undefined) return {};
  const clientContext = tryParseJson(Buffer.from(text, 'base64'));
  if (clientContext !== undefined) return { clientContext };
  throw new AwsError(
    'InvalidRequestContentException',
    'Client context must be a valid Base64-encoded JSON object.',
  );
}
