import { randomUUID } from 'node:crypto';
import { AwsError, type CloudContext, type Principal } from '../../base/context';
import { LATEST, type FunctionRecord } from './functionRecord';
import type { Destinations, InvokeResult } from './types';

/** An accepted asynchronous invocation. */
export interface QueuedEvent {
  functionName: string;
  qualifier: string | undefined;
  requestId: string;
  event: unknown;
  clientContext?: unknown;
  /** Milliseconds since the epoch. */
  queuedAt: number;
}

export interface FailedEvent extends QueuedEvent {
  condition: 'RetriesExhausted' | 'EventAgeExceeded';
  attempts: number;
  last?: InvokeResult;
}

export interface DestinationsOptions {
  context: CloudContext;
  targets: Destinations;
  now: () => number;
  /** Queues an event for another function; the role's permission was checked. */
  invokeAsync: (functionArn: string, event: unknown) => void;
}

/**
 * Sends the record of an invocation that never succeeded to its destination, with the permissions of the
 * function's role. Never throws: AWS drops such a record too, and the log says why.
 * Source: Lambda developer guide, "Capturing records of Lambda asynchronous invocations".
 */
export async function reportFailure(
  { context, targets, now, invokeAsync }: DestinationsOptions,
  record: FunctionRecord,
  failed: FailedEvent,
  destination: string | undefined,
): Promise<void> {
  const about = { function: record.name, requestId: failed.requestId, condition: failed.condition };
  if (destination === undefined) {
    context.log.warn(
      about,
      'asynchronous invocation failed for good; the function has no on-failure destination',
    );
    return;
  }
  const message = failureRecord(record, failed, now());
  const role = rolePrincipal(record);
  const [, , service = '', , , name = ''] = destination.split(':');
  try {
    if (service === 's3') {
      const key = objectKey(record.name, now());
      context.iam.authorize(role, 's3:PutObject', `${destination}/${key}`);
      await targets.putObject(name, key, Buffer.from(JSON.stringify(message)));
    } else if (service === 'sqs' && targets.sendMessage !== undefined) {
      context.iam.authorize(role, 'sqs:SendMessage', destination);
      await targets.sendMessage(destination, JSON.stringify(message));
    } else if (service === 'lambda') {
      context.iam.authorize(role, 'lambda:InvokeFunction', destination);
      invokeAsync(destination, message);
    } else {
      throw new AwsError(
        'InvalidParameterValueException',
        `the local cloud has no destination of kind ${service}`,
      );
    }
    context.log.warn({ ...about, destination }, 'asynchronous invocation failed for good');
  } catch (error) {
    context.log.error({ ...about, destination, err: error }, 'on-failure destination not reached');
  }
}

function failureRecord(record: FunctionRecord, failed: FailedEvent, now: number): Record<string, unknown> {
  const { last } = failed;
  return {
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    requestContext: {
      requestId: failed.requestId,
      functionArn: `${record.arn}:${failed.qualifier ?? LATEST}`,
      condition: failed.condition,
      approximateInvokeCount: failed.attempts,
    },
    requestPayload: failed.event,
    ...(last !== undefined && {
      responseContext: {
        statusCode: 200,
        executedVersion: last.executedVersion,
        functionError: last.functionError,
      },
      responsePayload: JSON.parse(last.payload) as unknown,
    }),
  };
}

function objectKey(functionName: string, now: number): string {
  const [date = '', time = ''] = new Date(now).toISOString().slice(0, 19).split('T');
  const stamp = `${date}T${time.replaceAll(':', '.')}`;
  return `aws/lambda/async/${functionName}/${date.replaceAll('-', '/')}/${stamp}-${randomUUID()}`;
}

function rolePrincipal(record: FunctionRecord): Principal {
  const { role: arn } = record.serving.settings;
  const account = arn.split(':')[4] ?? '';
  const name = arn.split('/').at(-1) ?? '';
  return {
    arn: `arn:aws:sts::${account}:assumed-role/${name}/${record.name}`,
    account,
    role: { name, arn },
    sessionName: record.name,
    accessKeyId: '',
  };
}
