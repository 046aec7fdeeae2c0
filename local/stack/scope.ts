import { evaluateCondition, NO_VALUE, type Scope } from './intrinsics';
import type { PhysicalResource } from './resource';
import type { Template } from './template';

export interface StackFacts {
  stackName: string;
  account: string;
  region: string;
  parameters: Record<string, unknown>;
  /** For what a stack refers to and does not have; without it such a reference is refused. */
  standIns?: StandIns;
}

/** What a reference gives that leads to nothing here. */
export interface StandIns {
  ref(logicalId: string): string | undefined;
  attribute(logicalId: string, attribute: string): string | undefined;
  importValue(name: string): string;
  parameter(name: string): string;
}

/** How references to resources are answered: while checking by placeholders, while deploying for real. */
export interface ResourceLookup {
  find(logicalId: string): PhysicalResource | undefined;
  attribute(resource: PhysicalResource, logicalId: string, attribute: string): string;
  readonly unknown?: string;
}

/** Everything that an intrinsic function can refer to in one template. */
export function createScope(template: Template, facts: StackFacts, resources: ResourceLookup): Scope {
  const pseudo = pseudoParameters(facts);
  const underway = new Set<string>();

  const scope: Scope = {
    ...(resources.unknown === undefined ? {} : { unknown: resources.unknown }),
    ref(name) {
      if (name in pseudo) return pseudo[name];
      if (name in template.Parameters) return parameter(name);
      return facts.standIns?.ref(name) ?? existing(name).ref;
    },
    getAtt(logicalId, attribute) {
      const standIn = facts.standIns?.attribute(logicalId, attribute);
      if (standIn !== undefined) return standIn;
      return resources.attribute(existing(logicalId), logicalId, attribute);
    },
    condition(name) {
      if (!(name in template.Conditions)) throw new TypeError(`there is no condition ${name}`);
      if (underway.has(name)) throw new TypeError(`condition ${name} depends on itself`);
      underway.add(name);
      try {
        return evaluateCondition(template.Conditions[name], scope);
      } finally {
        underway.delete(name);
      }
    },
    findInMap(map, first, second) {
      const found = template.Mappings[map]?.[first]?.[second];
      if (found === undefined) throw new TypeError(`there is no mapping ${map}.${first}.${second}`);
      return found;
    },
    importValue(name) {
      if (facts.standIns === undefined) throw new TypeError(`no stack of the local cloud exports ${name}`);
      return facts.standIns.importValue(name);
    },
    zones: (region) => ['a', 'b', 'c'].map((zone) => (region || facts.region) + zone),
  };
  return scope;

  function parameter(name: string): unknown {
    const value =
      facts.parameters[name] ?? template.Parameters[name]?.Default ?? facts.standIns?.parameter(name);
    if (value === undefined) throw new TypeError(`parameter ${name} has no value`);
    return template.Parameters[name]?.Type === 'CommaDelimitedList' && typeof value === 'string'
      ? value.split(',').map((part) => part.trim())
      : value;
  }

  function existing(logicalId: string): PhysicalResource {
    const found = resources.find(logicalId);
    if (found === undefined) throw new TypeError(`there is no resource or parameter ${logicalId}`);
    return found;
  }
}

function pseudoParameters({ stackName, account, region }: StackFacts): Record<string, unknown> {
  return {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stackName,
    'AWS::StackId': stackArn(stackName, account, region),
    'AWS::NotificationARNs': [],
    'AWS::NoValue': NO_VALUE,
  };
}

function stackArn(stackName: string, account: string, region: string): string {
  return `arn:aws:cloudformation:${region}:${account}:stack/${stackName}/local`;
}
