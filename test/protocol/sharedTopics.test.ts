import fc from 'fast-check';
import {
  isWithinTopicLimits,
  matchesTopicFilter,
  parseDeviceTopic,
  relativeSharedTopic,
  SHARED_FILTER,
  SHARED_TOPIC,
  sharedTopic,
} from '../../protocol';

describe('matchesTopicFilter', () => {
  // The examples of MQTT 3.1.1 §4.7.1.
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'sport/tennis', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['+/+', 'sport/tennis', true],
    ['+', 'sport/tennis', false],
    ['+/tennis/#', 'sport/tennis', true],
    ['sport', 'sport/tennis', false],
    ['sport/tennis', 'sport', false],
    ['sport/tennis/#', 'sport', false],
  ])('%s and %s: %s', (filter, topic, expected) => {
    expect(matchesTopicFilter(filter, topic)).toBe(expected);
  });

  it('matches every topic with itself, and with a wildcard for any of its levels', () => {
    const levels = fc.array(fc.stringMatching(/^[a-z0-9_.-]{1,8}$/), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(levels, fc.nat(4), (parts, at) => {
        const topic = parts.join('/');
        const n = at % parts.length;
        expect(SHARED_TOPIC.test(topic)).toBe(true);
        expect(matchesTopicFilter(topic, topic)).toBe(true);
        expect(matchesTopicFilter(parts.map((part, i) => (i === n ? '+' : part)).join('/'), topic)).toBe(
          true,
        );
        expect(matchesTopicFilter([...parts.slice(0, n), '#'].join('/'), topic)).toBe(true);
        expect(matchesTopicFilter(`${topic}/x`, topic)).toBe(false);
      }),
    );
  });
});

describe('the form', () => {
  it.each(['alerts', 'alerts/line-1', 'a/b/c d/ü'])('%s is topic and filter', (topic) => {
    expect([SHARED_TOPIC.test(topic), SHARED_FILTER.test(topic)]).toEqual([true, true]);
  });
  it.each(['+', '#', 'alerts/+', '+/a/#'])('%s is a filter only', (filter) => {
    expect([SHARED_TOPIC.test(filter), SHARED_FILTER.test(filter)]).toEqual([false, true]);
  });
  it.each(['', '/', 'a/', '/a', 'a//b', 'a+', '#/a', 'a/#/b', 'a\0b', 'a\nb'])('%j is neither', (text) => {
    expect([SHARED_TOPIC.test(text), SHARED_FILTER.test(text)]).toEqual([false, false]);
  });
});

it('lies below the prefix, within the limits, and is no device’s own', () => {
  expect(sharedTopic('edge', 'a/b')).toBe('edge/shared/a/b');
  expect(relativeSharedTopic('edge', 'edge/shared/a/b')).toBe('a/b');
  expect(relativeSharedTopic('edge', 'edge/sharedness/a')).toBeUndefined();
  expect(parseDeviceTopic('edge', 'edge/shared/ask/join')).toBeUndefined();
  expect(isWithinTopicLimits(sharedTopic('edge', 'a/b/c/d/e/f'))).toBe(true);
  expect(isWithinTopicLimits(sharedTopic('edge', 'a/b/c/d/e/f/g'))).toBe(false);
  expect(isWithinTopicLimits(sharedTopic('edge', 'ü'.repeat(130)))).toBe(false);
});
