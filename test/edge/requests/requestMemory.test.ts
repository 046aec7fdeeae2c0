import { RequestMemory } from '../../../edge/requests/requestMemory';
import { EdgeError } from '../../../protocol';
import { MemoryDevices } from '../support/harness';
import { ManualClock } from '../support/manualClock';

const RELEASED = (requestId: string) => ({ requestId, function: 'detect' });

function create(limits = {}) {
  const [devices, clock] = [new MemoryDevices(), new ManualClock()];
  return { devices, clock, memory: new RequestMemory(devices, clock, limits) };
}

function answer(memory: RequestMemory, device: string, id: string, bytes?: number): void {
  memory.begin('release', device, id).settle('released', RELEASED(id), bytes);
}

test('what one device sends displaces only what the same device sent, oldest first', () => {
  const { memory } = create({ entries: 3 });
  answer(memory, 'b', 'b1');
  for (const id of ['a1', 'a2', 'a3', 'a4', 'a5']) answer(memory, 'a', id);
  const kept = ['a1', 'a2', 'a3', 'a4', 'a5'].filter((id) => memory.find('release', 'a', id) !== undefined);
  expect(kept).toEqual(['a3', 'a4', 'a5']);
  expect(memory.find('release', 'b', 'b1')).toBeDefined();
});

test('a request at work is never displaced', () => {
  const { memory, devices } = create({ entries: 2 });
  const first = memory.begin('release', 'a', 'a1');
  for (const id of ['a2', 'a3', 'a4']) answer(memory, 'a', id);
  expect(memory.find('release', 'a', 'a1')).toBe(first);
  first.settle('released', RELEASED('a1'));
  expect(devices.kinds('a', 'a1')).toEqual(['released']);
});

test('bytes are bounded per device and in all', () => {
  const { memory } = create({ deviceBytes: 1_000, totalBytes: 1_500 });
  for (const id of ['a1', 'a2', 'a3']) answer(memory, 'a', id, 400);
  expect(memory.find('release', 'a', 'a1')).toBeUndefined();
  expect(memory.find('release', 'a', 'a2')).toBeDefined();
  for (const id of ['b1', 'b2']) answer(memory, 'b', id, 400);
  expect(memory.find('release', 'b', 'b1')).toBeUndefined();
  expect(memory.find('release', 'b', 'b2')).toBeDefined();
  expect(memory.find('release', 'a', 'a2')).toBeDefined();
});

test('a device that needs little keeps it, however much the others hold', () => {
  const { memory } = create({ deviceBytes: 1_000, totalBytes: 1_500 });
  answer(memory, 'small', 's1', 10);
  for (const id of ['a1', 'a2']) answer(memory, 'a', id, 400);
  for (const id of ['b1', 'b2', 'b3']) answer(memory, 'b', id, 300);
  answer(memory, 'small', 's2', 10);
  const kept = (device: string, ids: string[]) =>
    ids.filter((id) => memory.find('release', device, id) !== undefined);
  expect(kept('small', ['s1', 's2'])).toEqual(['s1', 's2']);
  expect(kept('a', ['a1', 'a2'])).toEqual(['a1', 'a2']);
  expect(kept('b', ['b1', 'b2', 'b3'])).toEqual(['b2', 'b3']);
});

test('a failure weighs what it says', () => {
  const { memory } = create({ deviceBytes: 20_000 });
  for (const id of ['a1', 'a2', 'a3']) {
    memory.begin('invoke', 'a', id).fail(new EdgeError('FUNCTION_ERROR', 'x'.repeat(8_000)));
  }
  expect(memory.find('invoke', 'a', 'a1')).toBeUndefined();
  expect(memory.find('invoke', 'a', 'a2')).toBeDefined();
});

test('families do not share ids', () => {
  const { memory } = create();
  answer(memory, 'a', 'x');
  expect(memory.find('invoke', 'a', 'x')).toBeUndefined();
});

test('forgets after the time, also what nobody asks for again', async () => {
  const { memory, clock } = create({ ttlMs: 120_000 });
  answer(memory, 'a', 'a1');
  await clock.advance(119_000);
  expect(memory.find('release', 'a', 'a1')).toBeDefined();
  await clock.advance(1_000);
  expect(memory.size).toBe(1);
  answer(memory, 'b', 'b1');
  expect(memory.size).toBe(1);
  expect(memory.find('release', 'a', 'a1')).toBeUndefined();
});

test('a second answer to one request is not sent', () => {
  const { memory, devices } = create();
  const request = memory.begin('release', 'a', 'a1');
  request.settle('released', RELEASED('a1'));
  request.fail(new Error('too late'));
  expect(devices.kinds('a', 'a1')).toEqual(['released']);
});
