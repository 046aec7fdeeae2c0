import { MultiMap } from '../../lib/multiMap';

test('keeps what is under each key, and forgets a key that has nothing left', () => {
  const map = new MultiMap<string, number>();
  map.add('a', 1);
  map.add('a', 2);
  map.add('b', 3);
  expect([map.get('a'), map.get('c'), map.all()]).toEqual([[1, 2], [], [1, 2, 3]]);
  expect(map.delete('b', 3)).toBe(true);
  expect([map.delete('b', 3), map.has('b'), map.has('a')]).toEqual([false, false, true]);
});

test('may change while somebody walks through what it gave out', () => {
  const map = new MultiMap<string, number>();
  for (const value of [1, 2, 3]) map.add('a', value);
  for (const value of map.get('a')) map.delete('a', value);
  expect(map.all()).toEqual([]);
});
