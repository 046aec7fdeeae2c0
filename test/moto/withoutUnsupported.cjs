'use strict';

/** Types that moto's CloudFormation does not know: a reference to one of them fails the whole stack. */
const UNSUPPORTED = [/^AWS::ApiGatewayV2::/, /^AWS::IoT::TopicRule$/, /^AWS::S3::BucketPolicy$/];

/** What stands where one of them was referred to. */
const VALUES = {
  Ref: 'absent',
  Arn: 'arn:aws:iot:us-east-1:123456789012:rule/absent',
  ApiEndpoint: 'https://not-supported-by-moto.invalid',
};

/**
 * Takes resources of those types out of the compiled template, and of each `DependsOn` what a reference
 * in the same resource enforces anyway: moto refuses templates that cfn-lint warns of (W3005).
 */
class WithoutUnsupported {
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        const template = serverless.service.provider.compiledCloudFormationTemplate;
        const gone = Object.entries(template.Resources)
          .filter(([, { Type }]) => UNSUPPORTED.some((type) => type.test(Type)))
          .map(([id]) => id);
        for (const id of gone) delete template.Resources[id];
        for (const resource of Object.values(template.Resources)) {
          if (resource.DependsOn)
            resource.DependsOn = [resource.DependsOn].flat().filter((id) => !gone.includes(id));
        }
        Object.assign(template, replaced(template, gone));
        for (const resource of Object.values(template.Resources)) {
          if (resource.DependsOn === undefined) continue;
          const enforced = references(resource.Properties);
          resource.DependsOn = [resource.DependsOn].flat().filter((id) => !enforced.includes(id));
          if (resource.DependsOn.length === 0) delete resource.DependsOn;
        }
      },
    };
  }
}

/** Logical ids that `Ref`, `Fn::GetAtt` and `Fn::Sub` name anywhere in a value. */
function references(value) {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const [first] = [inner].flat();
    if (typeof first === 'string' && key === 'Ref') return [first];
    if (typeof first === 'string' && key === 'Fn::GetAtt') return [first.split('.', 1)[0]];
    const named = key === 'Fn::Sub' ? [...String(first).matchAll(/\$\{(\w+)[.}]/g)].map(([, id]) => id) : [];
    return [...named, ...references(inner)];
  });
}

function replaced(value, gone) {
  if (typeof value === 'string') {
    return gone.reduce((text, id) => text.replaceAll(`\${${id}}`, VALUES.Ref), value);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (gone.includes(value.Ref)) return VALUES.Ref;
  const [id, attribute] = [value['Fn::GetAtt'] ?? []].flat();
  if (gone.includes(id)) return VALUES[attribute] ?? VALUES.Ref;
  if (Array.isArray(value)) return value.map((each) => replaced(each, gone));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, gone)]));
}

module.exports = WithoutUnsupported;
