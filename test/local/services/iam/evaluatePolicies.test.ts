import { pino } from 'pino';
import type { PolicyStatement } from '../../../../local/base/context';
import { allowsService, evaluatePolicies, type PolicyContext } from '../../../../local/services/iam';

const OBJECT = 'arn:aws:s3:::bucket/key';

function statement(more: Partial<PolicyStatement> & Record<string, unknown> = {}): PolicyStatement {
  return { Effect: 'Allow', Action: 's3:GetObject', Resource: '*', ...more };
}

function decide(
  statements: PolicyStatement | PolicyStatement[],
  context: PolicyContext = {},
  { action = 's3:GetObject', resource = OBJECT } = {},
) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
  const decision = evaluatePolicies([statements].flat(), { action, resource, context }, log);
  return { decision, missing: lines.map((line) => line['missing']) };
}

describe('actions and resources', () => {
  it.each<[string, string, string]>([
    ['s3:GetObject', '*', 'allow'],
    ['S3:getobject', '*', 'allow'],
    ['s3:Get*', '*', 'allow'],
    ['s3:G?tObject', '*', 'allow'],
    ['*', '*', 'allow'],
    ['s3:GetObjec', '*', 'implicitDeny'],
    ['s3:PutObject', '*', 'implicitDeny'],
    ['s3:GetObject?', '*', 'implicitDeny'],
    ['*', 'arn:aws:s3:::bucket/*', 'allow'],
    ['*', 'arn:aws:s3:::bucket', 'implicitDeny'],
    ['*', 'arn:aws:s3:::BUCKET/*', 'implicitDeny'],
    ['*', 'arn:aws:s3:::bucket/k?y', 'allow'],
    ['*', 'arn:aws:s3:::bucket/k.y', 'implicitDeny'],
    ['*', 'arn:aws:s3:::bucket/(key)', 'implicitDeny'],
  ])('%s on %s: %s', (Action, Resource, expected) => {
    expect(decide(statement({ Action, Resource })).decision).toBe(expected);
  });

  it.each<[Partial<PolicyStatement>, string]>([
    [{ NotAction: 's3:PutObject', Resource: '*' }, 'allow'],
    [{ NotAction: ['iam:*', 's3:Get*'], Resource: '*' }, 'implicitDeny'],
    [{ Action: '*', NotResource: 'arn:aws:s3:::other/*' }, 'allow'],
    [{ Action: '*', NotResource: ['arn:aws:s3:::bucket/*'] }, 'implicitDeny'],
  ])('all but those that are listed: %j', (elements, expected) => {
    expect(decide({ Effect: 'Allow', ...elements }).decision).toBe(expected);
  });

  it('take lists', () => {
    const lists = statement({ Action: ['s3:PutObject', 's3:GetObject'], Resource: ['arn:x', `${OBJECT}*`] });
    expect(decide(lists).decision).toBe('allow');
  });

  it('are denied when nothing says otherwise', () => {
    expect(decide([]).decision).toBe('implicitDeny');
  });

  it('are denied by an explicit Deny, wherever it stands', () => {
    const deny = statement({ Effect: 'Deny' });
    expect(decide([deny, statement()]).decision).toBe('deny');
    expect(decide([statement(), deny]).decision).toBe('deny');
    expect(decide([statement(), statement({ Effect: 'Deny', Action: 's3:PutObject' })]).decision).toBe(
      'allow',
    );
  });
});

describe('policy variables', () => {
  const own = statement({
    Action: 'iot:Publish',
    Resource: 'arn:t:topic/edge/${iot:Connection.Thing.ThingName}/*',
  });
  const publish = (topic: string, name?: string) =>
    decide(
      own,
      { 'iot:Connection.Thing.ThingName': name },
      { action: 'iot:Publish', resource: `arn:t:topic/${topic}` },
    ).decision;

  it('stand for values of the context, in any case of the key', () => {
    expect(publish('edge/sensor-1/ask', 'sensor-1')).toBe('allow');
    expect(publish('edge/sensor-2/ask', 'sensor-1')).toBe('implicitDeny');
    const lower = statement({ Resource: '${AWS:principalarn}' });
    expect(decide(lower, { 'aws:PrincipalArn': OBJECT }).decision).toBe('allow');
  });

  it('match nothing without a value', () => {
    expect(publish('edge//ask')).toBe('implicitDeny');
    expect(publish('edge/${iot:Connection.Thing.ThingName}/ask')).toBe('implicitDeny');
  });

  it('are literal: a wildcard in a value widens nothing', () => {
    expect(publish('edge/sensor-2/ask', '*')).toBe('implicitDeny');
    expect(publish('edge/*/ask', '*')).toBe('allow');
  });

  it('have defaults, and names for the wildcards themselves', () => {
    const fallback = statement({ Resource: "arn:aws:s3:::${key, 'bucket'}/*" });
    expect(decide(fallback).decision).toBe('allow');
    expect(decide(fallback, { key: 'other' }).decision).toBe('implicitDeny');
    expect(decide(statement({ Resource: 'arn:${*}' }), {}, { resource: 'arn:x' }).decision).toBe(
      'implicitDeny',
    );
    expect(decide(statement({ Resource: 'arn:${*}' }), {}, { resource: 'arn:*' }).decision).toBe('allow');
  });
});

describe('conditions', () => {
  const FUNCTION = 'arn:aws:lambda:eu-central-1:1:function:f';
  it.each<[string, string | string[], string | undefined, boolean]>([
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', 'a', undefined, false],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringLike', 'a*', 'ab', true],
    ['StringLike', 'a?', 'abc', false],
    ['ArnLike', 'arn:aws:lambda:*:1:function:*', FUNCTION, true],
    ['ArnLike', 'arn:aws:*:function:f', FUNCTION, false],
    ['ArnLike', 'arn:*', FUNCTION, false],
    ['ArnEquals', FUNCTION, FUNCTION, true],
    ['ArnEquals', `${FUNCTION}x`, FUNCTION, false],
    ['Bool', 'true', 'true', true],
    ['Bool', 'false', 'true', false],
    ['BoolIfExists', 'false', undefined, true],
  ])('%s %p against %p: %p', (operator, expected, actual, met) => {
    const conditional = statement({ Condition: { [operator]: { 'x:Key': expected } } });
    const { decision, missing } = decide(conditional, { 'x:Key': actual });
    expect(decision).toBe(met ? 'allow' : 'implicitDeny');
    expect(missing).toEqual([]);
  });

  it('must all be met', () => {
    const both = statement({ Condition: { StringEquals: { a: '1', b: '2' } } });
    expect(decide(both, { a: '1', b: '2' }).decision).toBe('allow');
    expect(decide(both, { a: '1', b: '3' }).decision).toBe('implicitDeny');
  });

  it('of an unknown operator never allow, and the log says what is missing', () => {
    const Condition = { NumericLessThan: { 's3:max-keys': '10' } };
    const { decision, missing } = decide(statement({ Condition }), { 's3:max-keys': '5' });
    expect(decision).toBe('implicitDeny');
    expect(missing).toEqual(['condition operator NumericLessThan']);
    expect(decide([statement(), statement({ Effect: 'Deny', Condition })]).decision).toBe('deny');
    expect(decide(statement({ Condition: { constructor: { a: 'b' } } })).decision).toBe('implicitDeny');
  });

  it('NotPrincipal never allows either', () => {
    const { decision, missing } = decide(statement({ NotPrincipal: 's3:PutObject' }));
    expect(decision).toBe('implicitDeny');
    expect(missing).toEqual(['policy element NotPrincipal']);
  });
});

describe('allowsService', () => {
  const action = 'lambda:InvokeFunction';
  const resource = 'arn:aws:lambda:eu-central-1:1:function:f';
  const sourceArn = 'arn:aws:s3:::bucket';
  const policy = {
    Statement: {
      Effect: 'Allow' as const,
      Principal: { Service: 's3.amazonaws.com' },
      Action: action,
      Resource: resource,
      Condition: { ArnLike: { 'aws:SourceArn': sourceArn }, StringEquals: { 'aws:SourceAccount': '1' } },
    },
  };
  const access = { service: 's3.amazonaws.com', action, resource, sourceArn, sourceAccount: '1' };

  it('wants the service, the action, the resource and the source', () => {
    expect(allowsService(policy, access)).toBe(true);
    expect(allowsService(policy, { ...access, service: 'iot.amazonaws.com' })).toBe(false);
    expect(allowsService(policy, { ...access, action: 'lambda:GetFunction' })).toBe(false);
    expect(allowsService(policy, { ...access, resource: `${resource}2` })).toBe(false);
    expect(allowsService(policy, { ...access, sourceArn: 'arn:aws:s3:::other' })).toBe(false);
    expect(allowsService(policy, { ...access, sourceAccount: '2' })).toBe(false);
    expect(allowsService(policy, { service: access.service, action, resource })).toBe(false);
    expect(allowsService(undefined, access)).toBe(false);
  });
});
