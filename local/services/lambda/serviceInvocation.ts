import { randomUUID } from 'node:crypto';
import { AwsError, type CloudContext } from '../../base/context';
import { allowsService } from '../iam';
import type { AsyncInvocations } from './asyncInvocations';
import { resolveVersion, type FunctionRecord } from './functionRecord';
import type { Functions } from './functions';
import { requireInvocable, requirePayloadSize, type Invoker } from './invoker';
import { buildFunctionArn, parseFunctionRef, type FunctionRef } from './names';
import { policyOf } from './permissions';
import type { InvokeResult, InvokingService } from './types';

export interface ServiceInvocationOptions {
  context: CloudContext;
  functions: Functions;
  invoker: Invoker;
  asyncInvocations: AsyncInvocations;
  now(): number;
}

/** Invokes as an AWS service, which only the function's resource policy can allow. See `Lambda.invokeAsService`. */
export async function invokeAsService(
  options: ServiceInvocationOptions,
  functionArn: string,
  caller: InvokingService,
  payload: unknown,
  kind: 'sync' | 'async',
): Promise<InvokeResult> {
  const { context, functions, invoker, asyncInvocations, now } = options;
  const ref = parseFunctionRef(functionArn);
  const record = functions.get(ref.name);
  requireAllowed(context, record, ref, caller);
  requirePayloadSize(Buffer.byteLength(JSON.stringify(payload) ?? 'null'), kind);
  if (kind === 'sync') return invoker.invoke(record, ref.qualifier, { event: payload });
  requireInvocable(record);
  const { version } = resolveVersion(record, ref.qualifier);
  const requestId = randomUUID();
  asyncInvocations.enqueue({
    functionName: ref.name,
    qualifier: ref.qualifier,
    requestId,
    event: payload,
    queuedAt: now(),
  });
  return { payload: '', executedVersion: version, requestId };
}

function requireAllowed(
  context: CloudContext,
  record: FunctionRecord,
  ref: FunctionRef,
  { service, sourceArn }: InvokingService,
): void {
  const resource = buildFunctionArn(context, ref);
  const action = 'lambda:InvokeFunction';
  const access = { service, action, resource, sourceArn, sourceAccount: context.account };
  if (allowsService(policyOf(record, ref.qualifier), access, context.log)) return;
  context.log.info(
    { service, sourceArn, action, resource },
    'access denied by the resource policy of the function',
  );
  throw new AwsError(
    'AccessDeniedException',
    `User: ${service} is not authorized to perform: ${action} on resource: ${resource} because no resource-based policy allows the ${action} action`,
    403,
  );
}
