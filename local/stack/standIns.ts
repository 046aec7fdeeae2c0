import { placeholderAttribute, placeholderRef, placeholderValue, type Placement } from './placeholders';
import { generateName } from './resource';
import type { StackFacts, StandIns } from './scope';
import type { Template, TemplateResource } from './template';

/** For values alone: of what every resource of the stack is asked itself. */
export function standInForValues(facts: StackFacts): StandIns {
  const value = (name: string): string => placeholderValue(name, facts);
  return { ref: () => undefined, attribute: () => undefined, importValue: value, parameter: value };
}

/**
 * For what is not made, and for what the local cloud does not tell of something that is made. `has`: whether
 * a resource is made and gives this attribute, or its `Ref`.
 */
export function standInFor(
  template: Template,
  facts: StackFacts,
  has: (logicalId: string, attribute?: string) => boolean,
): StandIns {
  const missing = (logicalId: string, attribute?: string): TemplateResource | undefined =>
    has(logicalId, attribute) ? undefined : template.Resources[logicalId];
  const placed = (logicalId: string, resource: TemplateResource): Placement => ({
    ...facts,
    name: nameOf(resource) ?? generateName(facts.stackName, logicalId, 0, 63),
  });
  return {
    ...standInForValues(facts),
    ref(logicalId) {
      const resource = missing(logicalId);
      return resource && placeholderRef(resource.Type, placed(logicalId, resource));
    },
    attribute(logicalId, attribute) {
      const resource = missing(logicalId, attribute);
      return resource && placeholderAttribute(resource.Type, attribute, placed(logicalId, resource));
    },
  };
}

/** `AWS::DynamoDB::Table` → `TableName`, where the template has it in words. */
function nameOf({ Type, Properties }: TemplateResource): string | undefined {
  const kind = Type.split('::').at(-1) ?? '';
  const name = Properties[`${kind}Name`] ?? Properties['Name'];
  return typeof name === 'string' ? name : undefined;
}
