import type { Resources } from '../../lib/cloudFormation';
import { MADE_BY } from '../../protocol';
import type { TemplateContext } from './templateContext';

/**
 * Things and a thing group for the groups that ask for them (`things: true`). Patterns stand for things
 * that are there already, so they make none; certificates are attached when the service is deployed.
 */
export function thingResources({ configuration }: TemplateContext): Resources {
  const resources: Resources = {};
  const names = new Set<string>();
  for (const [group, { devices }] of Object.entries(configuration.section.groups)) {
    const thingGroup = configuration.thingGroupOf(group);
    if (thingGroup === undefined) continue;
    resources[logicalId('EdgeThingGroup', group)] = {
      Type: 'AWS::IoT::ThingGroup',
      Properties: {
        ThingGroupName: thingGroup,
        ThingGroupProperties: { ThingGroupDescription: `Edge group ${group} of ${configuration.service}` },
      },
    };
    for (const name of [configuration.coreOf(group), ...devices.filter((each) => !/[*?]/.test(each))]) {
      names.add(name);
    }
  }
  // As the commands mark things that they make: `sls remove` may delete certificates of these alone.
  const AttributePayload = { Attributes: { [MADE_BY]: configuration.corePrefix } };
  for (const name of names) {
    resources[logicalId('EdgeThing', name)] = {
      Type: 'AWS::IoT::Thing',
      Properties: { ThingName: name, AttributePayload },
    };
  }
  return resources;
}

/** Logical ids have letters and digits only; what else a name has is spelled out, so that none are the same. */
function logicalId(prefix: string, name: string): string {
  const spelled = name.replace(/[^a-zA-Z0-9]/g, (character) => `X${character.charCodeAt(0).toString(16)}X`);
  return `${prefix}${spelled}`;
}
