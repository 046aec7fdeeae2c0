import { InvokeCommand } from '@aws-sdk/client-lambda';
import {
  invocations,
  cloud,
  operator,
  createActive,
  invoke,
  logged,
  named,
  startLambda,
  stopLambda,
} from './setting';

beforeAll(startLambda);
afterAll(stopLambda);

describe('invoking', () => {
  beforeAll(() => createActive('runs'));

  test('an error that the function throws', async () => {
    const { output, error } = await invoke('runs', { fail: true });
    expect(error).toBe('Unhandled');
    expect(output).toMatchObject({ errorType: 'TypeError', errorMessage: 'no such luck' });
    expect(output['trace']).toEqual(expect.arrayContaining([expect.stringContaining('index.js')]));
  });

  test('a function that ends its process, and one that never ends', async () => {
    await createActive('hangs', { Timeout: 1 });
    const [exited, hung] = await Promise.all([
      invoke('runs', { exit: true }),
      invoke('hangs', { hang: true }),
    ]);
    expect(exited).toMatchObject({ error: 'Unhandled', output: { errorType: 'Runtime.ExitError' } });
    expect(hung).toMatchObject({
      error: 'Unhandled',
      output: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('timed out after 1.00 seconds'),
      },
    });
    expect((await invoke('runs')).error).toBeUndefined();
  });

  test('a handler that is not there', async () => {
    await createActive('handlerless', { Handler: 'index.nothing' });
    expect(await invoke('handlerless')).toMatchObject({
      error: 'Unhandled',
      output: { errorType: 'Runtime.HandlerNotFound' },
    });
  });

  test('payload limits: 6 MB in and out, 1 MB for events', async () => {
    const text = (length: number): string => JSON.stringify('x'.repeat(length));
    const send = (Payload: string, InvocationType: 'RequestResponse' | 'Event') =>
      operator.send(new InvokeCommand({ FunctionName: 'runs', Payload, InvocationType }));
    await expect(send(text(6 * 1024 * 1024), 'RequestResponse')).rejects.toEqual(
      named('RequestTooLargeException'),
    );
    await expect(send(text(1024 * 1024), 'Event')).rejects.toEqual(named('RequestTooLargeException'));
    expect(await invoke('runs', { size: 7 * 1024 * 1024 })).toMatchObject({
      error: 'Unhandled',
      output: { errorType: 'Function.ResponseSizeTooLarge' },
    });
  });

  test('a payload that is no JSON, and no payload', async () => {
    await expect(invoke('runs', {}, { Payload: '{"a":' })).rejects.toEqual(
      named('InvalidRequestContentException'),
    );
    const answer = await operator.send(new InvokeCommand({ FunctionName: 'runs' }));
    expect(JSON.parse(answer.Payload?.transformToString() ?? '')).toMatchObject({ event: {} });
  });

  test('tells the listener, and logs what the function prints', async () => {
    invocations.length = 0;
    await invoke('runs', { say: 'hello log' });
    expect(invocations).toEqual([
      { functionName: 'runs', version: '$LATEST', kind: 'sync', ms: expect.any(Number), ok: true },
    ]);
    await logged('hello log');
    expect(cloud.logs).toContainEqual(
      expect.objectContaining({ level: 20, function: 'runs', output: 'hello log' }),
    );
  });

  test('DryRun checks without running', async () => {
    invocations.length = 0;
    const answer = await operator.send(new InvokeCommand({ FunctionName: 'runs', InvocationType: 'DryRun' }));
    expect(answer.StatusCode).toBe(204);
    expect(invocations).toEqual([]);
  });
});
