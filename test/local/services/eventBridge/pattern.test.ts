import { parsePattern } from '../../../../local/services/eventBridge/pattern';

const EVENT = {
  source: 'aws.greengrass',
  resources: ['arn:a', 'arn:b'],
  detail: {
    status: 'FAILED',
    count: 3,
    name: 'edge/main',
    empty: [],
    nothing: null,
    list: [{ id: 1 }, { id: 2 }],
  },
};

test.each<[unknown, boolean]>([
  [{ source: ['aws.greengrass'] }, true],
  [{ source: ['aws.s3', 'aws.greengrass'] }, true],
  [{ source: ['aws.s3'] }, false],
  [{ resources: ['arn:b'] }, true],
  [{ detail: { status: ['FAILED'], count: [3] } }, true],
  [{ detail: { status: ['FAILED'], count: ['3'] } }, false],
  [{ detail: { nothing: [null] } }, true],
  [{ detail: { list: { id: [2] } } }, true],
  [{ detail: { status: [{ prefix: 'FA' }] } }, true],
  [{ detail: { status: [{ suffix: 'FA' }] } }, false],
  [{ detail: { status: [{ 'equals-ignore-case': 'failed' }] } }, true],
  [{ detail: { name: [{ wildcard: 'edge/*n' }] } }, true],
  [{ detail: { name: [{ wildcard: 'edge.*' }] } }, false],
  [{ detail: { status: [{ 'anything-but': ['COMPLETED'] }] } }, true],
  [{ detail: { status: [{ 'anything-but': 'FAILED' }] } }, false],
  [{ detail: { absent: [{ 'anything-but': 'x' }] } }, false],
  [{ detail: { absent: [{ exists: false }] } }, true],
  [{ detail: { empty: [{ exists: true }] } }, false],
  [{ detail: { count: [{ numeric: ['>', 0, '<=', 3] }] } }, true],
  [{ detail: { count: [{ numeric: ['>', 3] }] } }, false],
  [{ $or: [{ source: ['x'] }, { detail: { count: [3] } }] }, true],
  [{ source: ['aws.greengrass'], detail: { absent: ['x'] } }, false],
])('%j: %s', (pattern, expected) => {
  expect(parsePattern(pattern)(EVENT)).toBe(expected);
});

test.each([
  [{}],
  [{ source: 'aws.greengrass' }],
  [{ source: [] }],
  [{ source: [{ cidr: '10.0.0.0/8' }] }],
  [{ source: [['x']] }],
  [{ detail: { count: [{ numeric: ['>'] }] } }],
  [{ $or: [{ source: ['x'] }] }],
])('%j is refused', (pattern) => {
  expect(() => parsePattern(pattern)).toThrow(TypeError);
});
