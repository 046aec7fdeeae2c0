import { toJson, tryParseJson } from '../../lib/json';

it('what is no JSON has no value', () => {
  expect(tryParseJson('{"n":1}')).toEqual({ n: 1 });
  expect(tryParseJson(Buffer.from('[1]'))).toEqual([1]);
  expect(tryParseJson('{')).toBeUndefined();
});

it.each([
  [{ n: 1 }, '{"n":1}'],
  [null, 'null'],
  [undefined, 'null'],
  [() => 1, 'null'],
])('%p is %s', (value, json) => {
  expect(toJson(value)).toBe(json);
});
