import { statusOf, unquoted } from '../../lib/awsErrors';
import { tryParseJson } from '../../lib/json';
import { allPages } from '../../lib/pages';

test('every page is read, and an empty token is the end', async () => {
  const pages = [
    { items: [1, 2], NextToken: 'a' },
    { items: undefined, NextToken: 'b' },
    { items: [3], NextToken: '' },
  ];
  const asked: unknown[] = [];
  const all = await allPages(async (page) => {
    asked.push(page);
    return pages[asked.length - 1]!;
  });
  expect(all).toEqual([1, 2, 3]);
  expect(asked).toEqual([{}, { NextToken: 'a' }, { NextToken: 'b' }]);
});

test('the status of an SDK error, of nothing else', () => {
  expect(statusOf({ $metadata: { httpStatusCode: 412 } })).toBe(412);
  expect([statusOf(undefined), statusOf(new Error('no')), statusOf('text')]).toEqual(
    Array(3).fill(undefined),
  );
});

test('quotes of an ETag go, what has none stays', () => {
  expect([unquoted('"abc"'), unquoted('abc')]).toEqual(['abc', 'abc']);
});

test('text that is no JSON has no value', () => {
  expect([tryParseJson('{"a":1}'), tryParseJson(Buffer.from('[2]')), tryParseJson('{')]).toEqual([
    { a: 1 },
    [2],
    undefined,
  ]);
});
