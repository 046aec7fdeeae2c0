import type { CloudFormationResource } from '../../lib/cloudFormation';
import { dropRedundantDependencies } from '../../plugin/resources/redundantDependencies';

function dependsOnAfter(DependsOn: string | string[], Properties: Record<string, unknown>): unknown {
  const resource: CloudFormationResource = { Type: 'AWS::Lambda::Function', DependsOn, Properties };
  dropRedundantDependencies({ Resources: { It: resource } });
  return resource.DependsOn;
}

describe('dropRedundantDependencies', () => {
  it.each([
    ['Ref', { Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Other' }]] } }],
    ['Fn::GetAtt as a list', { Role: { 'Fn::GetAtt': ['Other', 'Arn'] } }],
    ['Fn::GetAtt as a text', { Role: { 'Fn::GetAtt': 'Other.Arn' } }],
    ['Fn::Sub', { Name: { 'Fn::Sub': 'a-${Other}' } }],
    ['Fn::Sub of an attribute', { Name: { 'Fn::Sub': ['${x}-${Other.Arn}', { x: 'y' }] } }],
    ['a value of Fn::Sub', { Name: { 'Fn::Sub': ['${x}', { x: { Ref: 'Other' } }] } }],
  ])('drops what %s enforces', (_how, properties) => {
    expect(dependsOnAfter('Other', properties)).toBeUndefined();
    expect(dependsOnAfter(['Other', 'LogGroup'], properties)).toEqual(['LogGroup']);
  });

  it.each([
    ['nothing', {}],
    ['text that only looks so', { Name: 'Other', Text: '${Other}' }],
    ['an escaped name', { Name: { 'Fn::Sub': '${!Other}' } }],
    ['a variable of the same name', { Name: { 'Fn::Sub': ['${Other}', { Other: 'text' }] } }],
    ['another resource', { Role: { 'Fn::GetAtt': ['OtherRole', 'Arn'] } }],
  ])('keeps what %s enforces', (_how, properties) => {
    expect(dependsOnAfter(['Other'], properties)).toEqual(['Other']);
  });
});
