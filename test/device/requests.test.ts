import { EdgeError } from '../../protocol/errors';
import { ask, call, DeploymentConversation } from '../../device/conversations';
import { PendingRequests, type Conversation, type Outgoing, type ReplyBody } from '../../device/requests';
import { settled, TestClock } from './support/clock';

const message = (topic: string): Outgoing => ({ topic, payload: '{}', qos: 1 });
const question = (id = 'a'): Conversation<unknown> =>
  ask(id, message('ask'), 'result', (body) => body.output);

function createRequests(): {
  requests: PendingRequests;
  clock: TestClock;
  sent: { at: number; topic: string }[];
  acknowledge: { when: () => Promise<void> };
} {
  const clock = new TestClock();
  const sent: { at: number; topic: string }[] = [];
  const acknowledge = { when: () => Promise.resolve() };
  const requests = new PendingRequests({
    clock,
    random: () => 0,
    publish: ({ topic }) => {
      sent.push({ at: clock.now(), topic });
      return acknowledge.when();
    },
  });
  return { requests, clock, sent, acknowledge };
}

/** What became of a promise, without waiting for it. */
function watch(promise: Promise<unknown>): { outcome?: unknown } {
  const seen: { outcome?: unknown } = {};
  promise.then(
    (value: unknown) => {
      seen.outcome = value;
    },
    (error: unknown) => {
      seen.outcome = (error as EdgeError).code;
    },
  );
  return seen;
}

test('an answer resolves the request and leaves nothing behind', async () => {
  const { requests, clock } = createRequests();
  const seen = watch(requests.run(question(), { timeoutMs: 5_000 }));
  expect(requests.receive('result', { requestId: 'b', output: 1 })).toBe(false);
  expect(requests.receive('result', { requestId: 'a', output: 7 })).toBe(true);
  await settled();
  expect(seen.outcome).toBe(7);
  expect([requests.size, clock.timers]).toEqual([0, 0]);
});

test('a failed answer rejects with the code of the edge', async () => {
  const { requests, clock } = createRequests();
  const running = requests.run(question(), { timeoutMs: 5_000 });
  requests.receive('failed', { requestId: 'a', error: { code: 'QUEUE_FULL', message: 'full' } });
  await expect(running).rejects.toMatchObject({ code: 'QUEUE_FULL', message: 'full' });
  expect(clock.timers).toBe(0);
});

test('no answer: sent again with growing pauses, then TIMED_OUT', async () => {
  const { requests, clock, sent } = createRequests();
  const seen = watch(requests.run(question(), { timeoutMs: 40_000 }));
  await clock.pass(39_999);
  expect(sent.map(({ at }) => at)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 25_000, 35_000]);
  expect(seen.outcome).toBeUndefined();
  await clock.pass(1);
  expect(seen.outcome).toBe('TIMED_OUT');
  expect([requests.size, clock.timers]).toEqual([0, 0]);
});

test('while the connection is down nothing is sent; on its return everything at once', async () => {
  const { requests, clock, sent } = createRequests();
  watch(requests.run(question('a'), { timeoutMs: 60_000 }));
  watch(requests.run(question('b'), { timeoutMs: 60_000 }));
  requests.suspend(new Error('gone'));
  watch(requests.run(question('c'), { timeoutMs: 60_000 }));
  await clock.pass(20_000);
  expect(sent).toHaveLength(2);
  requests.resume();
  expect(sent).toHaveLength(5);
  await clock.pass(1_000);
  expect(sent).toHaveLength(8);
});

test('the time is up while the connection is down: DISCONNECTED, with the reason', async () => {
  const { requests, clock } = createRequests();
  const running = requests.run(question(), { timeoutMs: 5_000 });
  requests.suspend(new Error('cable cut'));
  const rejected = expect(running).rejects.toMatchObject({
    code: 'DISCONNECTED',
    cause: expect.objectContaining({ message: 'cable cut' }),
  });
  await clock.pass(5_000);
  await rejected;
});

test('an abort rejects with ABORTED, removes its listener and every timer', async () => {
  const { requests, clock, sent } = createRequests();
  const controller = new AbortController();
  const removed = jest.spyOn(controller.signal, 'removeEventListener');
  const seen = watch(requests.run(question(), { timeoutMs: 5_000, signal: controller.signal }));
  controller.abort();
  await settled();
  expect(seen.outcome).toBe('ABORTED');
  expect(removed).toHaveBeenCalledTimes(1);
  expect([requests.size, clock.timers]).toEqual([0, 0]);
  const late = watch(requests.run(question(), { timeoutMs: 5_000, signal: controller.signal }));
  await settled();
  expect([late.outcome, sent.length]).toEqual(['ABORTED', 1]);
});

test('close rejects what waits and what comes later', async () => {
  const { requests, clock } = createRequests();
  const seen = watch(requests.run(question(), { timeoutMs: 5_000 }));
  requests.close(new EdgeError('CLOSED'));
  const later = watch(requests.run(question(), { timeoutMs: 5_000 }));
  await settled();
  expect([seen.outcome, later.outcome, clock.timers]).toEqual(['CLOSED', 'CLOSED', 0]);
});

test('an answer that lacks what is needed is INTERNAL, not an exception in the dispatcher', async () => {
  const { requests } = createRequests();
  const deployment = new DeploymentConversation('a', messages, () => undefined);
  const seen = watch(requests.run(deployment, { timeoutMs: 5_000 }));
  expect(requests.receive('ready', { requestId: 'a' })).toBe(true);
  await settled();
  expect(seen.outcome).toBe('INTERNAL');
});

describe('an edge that stops and says CLOSED', () => {
  const CLOSED: ReplyBody = { requestId: 'a', error: { code: 'CLOSED', message: 'stopping' } };

  test('is outlived: the request goes to the next one', async () => {
    const { requests, sent } = createRequests();
    const seen = watch(requests.run(question(), { timeoutMs: 60_000 }));
    requests.receive('failed', CLOSED);
    requests.suspend(new Error('gone'));
    requests.resume();
    requests.receive('failed', CLOSED);
    requests.suspend(new Error('gone'));
    requests.resume();
    requests.receive('result', { requestId: 'a', output: 1 });
    await settled();
    expect([seen.outcome, sent.length]).toEqual([1, 3]);
  });

  test('is believed when it stays and says so again', async () => {
    const { requests, clock, sent } = createRequests();
    const seen = watch(requests.run(question(), { timeoutMs: 60_000 }));
    await clock.pass(15_000);
    const before = sent.length;
    requests.receive('failed', CLOSED);
    await clock.pass(1_000);
    expect([sent.length, 'outcome' in seen]).toEqual([before + 1, false]);
    requests.receive('failed', CLOSED);
    await settled();
    expect([seen.outcome, clock.timers]).toEqual(['CLOSED', 0]);
  });
});

describe('an asynchronous call', () => {
  test('is done when the broker has acknowledged it', async () => {
    const { requests, clock } = createRequests();
    const seen = watch(requests.run(call('a', message('call')), { timeoutMs: 5_000 }));
    await settled();
    expect('outcome' in seen).toBe(true);
    expect([seen.outcome, requests.size, clock.timers]).toEqual([undefined, 0, 0]);
  });

  test('is sent again when the connection broke before the acknowledgement', async () => {
    const { requests, sent, acknowledge } = createRequests();
    acknowledge.when = () => Promise.reject(new Error('lost'));
    const seen = watch(requests.run(call('a', message('call')), { timeoutMs: 5_000 }));
    await settled();
    requests.suspend(new Error('lost'));
    expect('outcome' in seen).toBe(false);
    acknowledge.when = () => Promise.resolve();
    requests.resume();
    await settled();
    expect(['outcome' in seen, sent.length]).toEqual([true, 2]);
  });

  test('times out with the reason of the last attempt', async () => {
    const { requests, clock, acknowledge } = createRequests();
    const reason = new Error('no');
    acknowledge.when = () => Promise.reject(reason);
    const running = requests.run(call('a', message('call')), { timeoutMs: 500 });
    const rejected = expect(running).rejects.toMatchObject({ code: 'TIMED_OUT', cause: reason });
    await clock.pass(500);
    await rejected;
  });
});

const messages = { request: message('request'), confirm: message('confirm') };
const AVAILABLE: ReplyBody = { requestId: 'a', function: 'f', version: '1.0.0' };
const READY: ReplyBody = { ...AVAILABLE, callTopic: 'edge/d/call/f', revision: 2, present: false };
const NOT_OFFERED: ReplyBody = { requestId: 'a', error: { code: 'NOT_OFFERED', message: 'no offer' } };

describe('a deployment', () => {
  function deploy(): ReturnType<typeof createRequests> & {
    seen: { outcome?: unknown };
    stages: string[];
    topics: () => string[];
  } {
    const made = createRequests();
    const stages: string[] = [];
    const deployment = new DeploymentConversation('a', messages, ({ stage }) => stages.push(stage));
    const seen = watch(made.requests.run(deployment, { timeoutMs: 60_000 }));
    return { ...made, seen, stages, topics: () => made.sent.map(({ topic }) => topic) };
  }

  test('request, available, confirm, progress, ready', async () => {
    const { requests, seen, stages, topics, clock } = deploy();
    requests.receive('progress', { requestId: 'a', function: 'f', stage: 'validating' });
    requests.receive('available', AVAILABLE);
    requests.receive('progress', { requestId: 'a', function: 'f', stage: 'starting' });
    requests.receive('ready', READY);
    await settled();
    expect(topics()).toEqual(['request', 'confirm']);
    expect(stages).toEqual(['validating', 'starting']);
    expect(seen.outcome).toMatchObject({ version: '1.0.0', callTopic: 'edge/d/call/f', present: false });
    expect(clock.timers).toBe(0);
  });

  test('ready at once when the function is there', async () => {
    const { requests, seen, topics } = deploy();
    requests.receive('ready', { ...READY, present: true });
    await settled();
    expect(topics()).toEqual(['request']);
    expect(seen.outcome).toMatchObject({ present: true });
  });

  test('a second offer, answer to a repeated request, is not confirmed twice', () => {
    const { requests, topics } = deploy();
    requests.receive('available', AVAILABLE);
    requests.receive('available', AVAILABLE);
    expect(topics()).toEqual(['request', 'confirm']);
  });

  test('after a reconnect the confirmation is sent again, not the request', () => {
    const { requests, topics } = deploy();
    requests.receive('available', AVAILABLE);
    requests.suspend(new Error('gone'));
    requests.resume();
    expect(topics()).toEqual(['request', 'confirm', 'confirm']);
  });

  test('NOT_OFFERED to a confirmation starts over with stage I, at once', async () => {
    const { requests, topics, seen } = deploy();
    requests.receive('available', AVAILABLE);
    requests.receive('failed', NOT_OFFERED);
    expect(topics()).toEqual(['request', 'confirm', 'request']);
    requests.receive('available', AVAILABLE);
    requests.receive('ready', READY);
    await settled();
    expect(topics()).toEqual(['request', 'confirm', 'request', 'confirm']);
    expect(seen.outcome).toMatchObject({ version: '1.0.0' });
  });

  test('a late NOT_OFFERED during stage I is no failure', async () => {
    const { requests, seen } = deploy();
    requests.receive('failed', NOT_OFFERED);
    await settled();
    expect('outcome' in seen).toBe(false);
  });

  test('an edge that forgets every offer is asked at the pace of the retries only', async () => {
    const { requests, clock, topics, seen } = deploy();
    const forget = (): void => {
      requests.receive('available', AVAILABLE);
      requests.receive('failed', NOT_OFFERED);
    };
    forget();
    forget();
    const soon = topics().length;
    await clock.pass(999);
    expect(topics()).toHaveLength(soon);
    await clock.pass(60_000);
    expect(seen.outcome).toBe('TIMED_OUT');
  });

  test('any other failure ends it', async () => {
    const { requests, seen } = deploy();
    requests.receive('failed', { requestId: 'a', error: { code: 'NOT_ENTITLED', message: 'no' } });
    await settled();
    expect(seen.outcome).toBe('NOT_ENTITLED');
  });
});
