import { NO_VALUE, resolve, type Scope } from '../../../local/stack/intrinsics';
import { createScope } from '../../../local/stack/scope';
import { parseTemplate } from '../../../local/stack/template';

const template = parseTemplate({
  Parameters: {
    Stage: { Type: 'String', Default: 'dev' },
    Zones: { Type: 'CommaDelimitedList', Default: 'a, b' },
    Bare: { Type: 'String' },
  },
  Mappings: { Sizes: { dev: { memory: 128 } } },
  Conditions: {
    IsDev: { 'Fn::Equals': [{ Ref: 'Stage' }, 'dev'] },
    IsProd: { 'Fn::Not': [{ Condition: 'IsDev' }] },
    Either: { 'Fn::Or': [{ Condition: 'IsDev' }, { Condition: 'IsProd' }] },
    Both: { 'Fn::And': [{ Condition: 'IsDev' }, { Condition: 'IsProd' }] },
    Loop: { 'Fn::Not': [{ Condition: 'Loop' }] },
  },
  Resources: {},
});

const scope: Scope = createScope(
  template,
  { stackName: 'shop-dev', account: '000000000000', region: 'eu-west-1', parameters: {} },
  {
    find: (logicalId) =>
      logicalId === 'Data'
        ? { ref: 'data-bucket', attributes: { Arn: 'arn:aws:s3:::data-bucket' } }
        : undefined,
    attribute: (resource, _logicalId, attribute) => resource.attributes[attribute] ?? 'none',
  },
);

describe('intrinsic functions', () => {
  it.each<[string, unknown, unknown]>([
    ['Ref of a resource', { Ref: 'Data' }, 'data-bucket'],
    ['Ref of a parameter', { Ref: 'Stage' }, 'dev'],
    ['Ref of a list parameter', { Ref: 'Zones' }, ['a', 'b']],
    ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Data', 'Arn'] }, 'arn:aws:s3:::data-bucket'],
    ['GetAtt as text', { 'Fn::GetAtt': 'Data.Arn' }, 'arn:aws:s3:::data-bucket'],
    [
      'Sub',
      { 'Fn::Sub': '${Data}/${Data.Arn}/${AWS::AccountId}' },
      'data-bucket/arn:aws:s3:::data-bucket/000000000000',
    ],
    ['Sub with variables', { 'Fn::Sub': ['${A}-${Stage}', { A: { Ref: 'Data' } }] }, 'data-bucket-dev'],
    ['Sub with a literal', { 'Fn::Sub': '${!iot:ClientId}/${Stage}' }, '${iot:ClientId}/dev'],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'Stage' }, 3]] }, 'a-dev-3'],
    ['Select and Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'Data' }] }] }, 'bucket'],
    ['If', { 'Fn::If': ['IsDev', { Ref: 'Stage' }, { Ref: 'Nothing' }] }, 'dev'],
    ['If over conditions', { 'Fn::If': ['Both', 1, { 'Fn::If': ['Either', 2, 3] }] }, 2],
    ['Base64', { 'Fn::Base64': { Ref: 'Stage' } }, 'ZGV2'],
    ['FindInMap', { 'Fn::FindInMap': ['Sizes', { Ref: 'Stage' }, 'memory'] }, 128],
    ['NoValue', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
    ['a Condition of IAM', { Condition: { Bool: { x: true } } }, { Condition: { Bool: { x: true } } }],
  ])('%s', (_name, value, expected) => {
    expect(resolve(value, scope)).toEqual(expected);
  });

  it.each<[string, unknown, string]>([
    ['an unknown name', { Ref: 'Nothing' }, 'Nothing'],
    ['a parameter without value', { Ref: 'Bare' }, 'Bare'],
    ['a value of no stack', { 'Fn::ImportValue': 'x' }, 'exports x'],
    ['what it does not know', { 'Fn::Transform': {} }, 'Fn::Transform is not supported'],
    ['an element that is not there', { 'Fn::Select': [7, ['a']] }, 'no element 7'],
    ['a malformed Join', { 'Fn::Join': ['-'] }, 'list of 2'],
    ['a mapping that is not there', { 'Fn::FindInMap': ['Sizes', 'prod', 'memory'] }, 'Sizes.prod.memory'],
    ['a condition that depends on itself', { 'Fn::If': ['Loop', 1, 2] }, 'depends on itself'],
  ])('refuses %s', (_name, value, message) => {
    expect(() => resolve(value, scope)).toThrow(message);
  });

  it('has a value for "no value" that is no text', () => {
    expect(typeof NO_VALUE).toBe('symbol');
  });
});
