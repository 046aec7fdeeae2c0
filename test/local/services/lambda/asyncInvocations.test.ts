import { InvokeCommand, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { EdgeError } from '../../../../protocol';
import { createLambda } from '../../../../local/services/lambda';
import type { Lambda } from '../../../../local/services/lambda/types';
import { createTestCloud, lambdaClient, manualClock, memoryHost, zipOf, type TestCloud } from './support';

const BUCKET = 'arn:aws:s3:::failures';
const QUEUE = 'arn:aws:sqs:eu-central-1:123456789012:failures';

interface Setting {
  cloud: TestCloud;
  lambda: Lambda;
  clock: ReturnType<typeof manualClock>;
  objects: { bucket: string; key: string; body: unknown }[];
  messages: { queue: string; body: unknown }[];
}

let setting: Setting;
let outcomes: (() => unknown)[];
let received: unknown[];

beforeEach(async () => {
  const cloud = await createTestCloud();
  const clock = manualClock();
  outcomes = [];
  received = [];
  const run = (event: unknown): unknown => {
    received.push(event);
    return outcomes.shift()?.();
  };
  const objects: Setting['objects'] = [];
  const messages: Setting['messages'] = [];
  const lambda = await createLambda(cloud.context, {
    functionHost: memoryHost({ work: run, rescue: (event) => void received.push(event) }),
    environment: () => ({}),
    readObject: () => Promise.reject(new Error('no objects here')),
    destinations: {
      putObject: async (bucket, key, body) =>
        void objects.push({ bucket, key, body: JSON.parse(String(body)) }),
      sendMessage: async (queue, body) => void messages.push({ queue, body: JSON.parse(body) }),
    },
    clock,
    settleMs: 0,
  });
  setting = { cloud, lambda, clock, objects, messages };
  const Role = cloud.functionRole(
    'worker',
    { Effect: 'Allow', Action: 's3:PutObject', Resource: `${BUCKET}/*` },
    { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: '*' },
  );
  const Code = { ZipFile: await zipOf({ 'index.js': 'exports.handler = async () => 1;' }) };
  for (const FunctionName of ['work', 'rescue']) {
    const created = lambda.createFunction({
      FunctionName,
      Role,
      Code,
      Handler: 'index.handler',
      Runtime: 'nodejs22.x',
    });
    await untilTimer();
    clock.advance(0);
    await created;
  }
  clock.waits.length = 0;
});

afterEach(async () => {
  await setting.lambda.close();
  await setting.cloud.close();
});

/** The creation reads the package before it sets its timer. */
async function untilTimer(): Promise<void> {
  const { waits } = setting.clock;
  const before = waits.length;
  while (waits.length === before) await new Promise(setImmediate);
}

async function invokeAsync(event: unknown): Promise<void> {
  const client = lambdaClient(setting.lambda, setting.cloud.context.iam.operator);
  const answer = await client.send(
    new InvokeCommand({ FunctionName: 'work', InvocationType: 'Event', Payload: JSON.stringify(event) }),
  );
  expect(answer.StatusCode).toBe(202);
  await setting.cloud.context.events.idle();
}

async function pass(ms: number): Promise<void> {
  setting.clock.advance(ms);
  await setting.cloud.context.events.idle();
}

const failure = (): never => {
  throw new EdgeError('FUNCTION_ERROR', 'no', {
    details: { errorType: 'TypeError', errorMessage: 'no', trace: ['TypeError: no'] },
  });
};
const throttled = (): never => {
  throw new EdgeError('QUEUE_FULL');
};

describe('an asynchronous invocation', () => {
  test('that succeeds is called once', async () => {
    outcomes = [() => 'fine'];
    await invokeAsync({ n: 1 });
    await pass(10 * 60_000);
    expect(received).toEqual([{ n: 1 }]);
  });

  test('that fails is tried again after one and after two more minutes', async () => {
    outcomes = [failure, failure, () => 'fine'];
    await invokeAsync({ n: 2 });
    expect(received).toHaveLength(1);
    await pass(59_999);
    expect(received).toHaveLength(1);
    await pass(1);
    expect(received).toHaveLength(2);
    await pass(119_999);
    expect(received).toHaveLength(2);
    await pass(1);
    expect(received).toHaveLength(3);
    expect(setting.objects).toEqual([]);
  });

  test('that never succeeds ends in the bucket that the function names, with the permission of its role', async () => {
    setting.lambda.setEventInvokeConfig('work', {
      DestinationConfig: { OnFailure: { Destination: BUCKET } },
    });
    outcomes = [failure, failure, failure];
    await invokeAsync({ n: 3 });
    await pass(60_000);
    await pass(120_000);
    expect(setting.objects).toEqual([
      {
        bucket: 'failures',
        key: expect.stringMatching(
          /^aws\/lambda\/async\/work\/2026\/01\/01\/2026-01-01T00\.03\.00-[0-9a-f-]{36}$/,
        ),
        body: expect.objectContaining({
          requestContext: expect.objectContaining({
            condition: 'RetriesExhausted',
            approximateInvokeCount: 3,
          }),
          requestPayload: { n: 3 },
          responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
          responsePayload: { errorType: 'TypeError', errorMessage: 'no', trace: ['TypeError: no'] },
        }),
      },
    ]);
  });

  test('a destination that the role may not use gets nothing, and the log says so', async () => {
    setting.lambda.setEventInvokeConfig('work', {
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: QUEUE } },
    });
    outcomes = [failure];
    await invokeAsync({ n: 4 });
    expect(setting.messages).toEqual([]);
    expect(setting.cloud.logs).toContainEqual(
      expect.objectContaining({ msg: 'on-failure destination not reached', destination: QUEUE }),
    );
  });

  test('another function can be the destination', async () => {
    setting.lambda.setEventInvokeConfig('work', {
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: setting.lambda.functionArn('rescue') } },
    });
    outcomes = [failure];
    await invokeAsync({ n: 5 });
    expect(received).toEqual([{ n: 5 }, expect.objectContaining({ requestPayload: { n: 5 } })]);
  });

  test('an event that grew too old is not tried again', async () => {
    const client = lambdaClient(setting.lambda, setting.cloud.context.iam.operator);
    await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: 'work',
        MaximumEventAgeInSeconds: 60,
        DestinationConfig: { OnFailure: { Destination: BUCKET } },
      }),
    );
    outcomes = [failure];
    await invokeAsync({ n: 6 });
    await pass(60_001);
    expect(received).toHaveLength(1);
    expect(setting.objects[0]?.body).toMatchObject({ requestContext: { condition: 'EventAgeExceeded' } });
  });

  test('throttling is no attempt of the function: it is tried until there is room', async () => {
    outcomes = [throttled, throttled, throttled, throttled, () => 'fine'];
    await invokeAsync({ n: 7 });
    for (const ms of [1_000, 2_000, 4_000, 8_000]) await pass(ms);
    expect(received).toHaveLength(5);
    expect(setting.clock.waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  test('closing drops the retries that wait', async () => {
    outcomes = [failure];
    await invokeAsync({ n: 8 });
    await setting.lambda.close();
    await pass(60_000);
    expect(received).toHaveLength(1);
  });
});
