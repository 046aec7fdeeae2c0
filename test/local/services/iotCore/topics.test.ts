import { isTopicFilter, topicMatches, topicProblem } from '../../../../local/services/iotCore/topics';

test.each([
  ['a/b', 'a/b', true],
  ['a/+', 'a/b', true],
  ['a/+', 'a/b/c', false],
  ['a/+', 'a', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['#', 'a', true],
  ['+/b', 'a/b', true],
  ['+/b', '/b', true],
  ['#', '$aws/x', false],
  ['+/x', '$aws/x', false],
  ['$aws/x', '$aws/x', true],
  ['a', 'a/', false],
  ['A/b', 'a/b', false],
])('%s matches %s: %s', (filter, topic, expected) => {
  expect(topicMatches(filter, topic)).toBe(expected);
});

test('limits of AWS IoT Core', () => {
  expect(topicProblem('1/2/3/4/5/6/7/8')).toBeUndefined();
  expect(topicProblem('1/2/3/4/5/6/7/8/9')).toMatch('slashes');
  expect(topicProblem('é'.repeat(128))).toBeUndefined();
  expect(topicProblem('é'.repeat(129))).toMatch('bytes');
  expect(topicProblem('$aws/things/x/shadow/get')).toMatch('not supported');
  expect(topicProblem('')).toMatch('empty');
});

test('wildcards stand for whole levels', () => {
  expect(['a/+/b', '#', '+', 'a/#'].every(isTopicFilter)).toBe(true);
  expect(['a+/b', '#/a', 'a/b#'].some(isTopicFilter)).toBe(false);
});
