import { resolve, type Scope } from './intrinsics';
import { standInForOutside } from './outside';
import type { Providers } from './plan';
import type { ResourceProvider } from './resource';
import { createScope, type StackFacts, type StandIns } from './scope';
import { standInFor, standInForValues } from './standIns';
import { dependsOn, type Template, type TemplateResource } from './template';

/** A resource that is not made. */
export interface LeftOut {
  logicalId: string;
  type: string;
  /** Why not, although something that is made refers to it. */
  why?: string;
}

export interface Selection {
  /** What is to be made, and nothing else. */
  template: Template;
  /** For what the rest would have given. */
  standIns: StandIns;
  leftOut: LeftOut[];
  /** What is made otherwise than the template says; a line each. */
  notes: string[];
}

/**
 * By type, the property that ties a resource to the one that it belongs to: a permission to its function.
 * Such a resource is made when that one is, although nothing refers to it.
 */
const TIES: Record<string, string> = {
  'AWS::ApiGatewayV2::Integration': 'IntegrationUri',
  'AWS::ApiGatewayV2::Route': 'Target',
  'AWS::ApiGatewayV2::Stage': 'ApiId',
  'AWS::Events::Rule': 'Targets',
  'AWS::IAM::ManagedPolicy': 'Roles',
  'AWS::IAM::Policy': 'Roles',
  'AWS::IoT::TopicRule': 'TopicRulePayload',
  'AWS::Lambda::Alias': 'FunctionName',
  'AWS::Lambda::EventInvokeConfig': 'FunctionName',
  'AWS::Lambda::Permission': 'FunctionName',
  'AWS::Lambda::Version': 'FunctionName',
  'AWS::S3::Bucket': 'NotificationConfiguration',
  'AWS::S3::BucketPolicy': 'Bucket',
  'AWS::Scheduler::Schedule': 'Target',
  // The framework's own, which names its function in words and waits for it.
  'Custom::S3': 'DependsOn',
};

/**
 * The part of a template that `isRoot` needs: the roots, what they refer to, and what belongs to those,
 * as far as the local cloud has it. Everything else is left out, and references to it give placeholders.
 */
export function selectNeeded(
  template: Template,
  facts: StackFacts,
  providers: Providers,
  isRoot: (logicalId: string) => boolean,
): Selection {
  const selector = new Selector(template, facts, providers);
  for (const logicalId of Object.keys(template.Resources)) if (isRoot(logicalId)) selector.include(logicalId);
  selector.includeTied();
  return selector.selection();
}

class Selector {
  readonly #chosen = new Map<string, TemplateResource>();
  readonly #refused = new Map<string, string>();
  readonly #notes: string[] = [];
  /** By property. */
  readonly #without = new Map<string, string[]>();
  readonly #scope: Scope;
  #references = new Set<string>();

  constructor(
    private readonly template: Template,
    private readonly facts: StackFacts,
    private readonly providers: Providers,
  ) {
    this.#scope = this.#scopeWith(standInForValues(facts));
  }

  /** With everything that it refers to. */
  include(logicalId: string): void {
    const resource = this.template.Resources[logicalId];
    if (resource === undefined || this.#chosen.has(logicalId) || this.#refused.has(logicalId)) return;
    if (!this.#exists(resource)) return;
    const provider = this.providers.get(resource.Type);
    if (provider === undefined) {
      this.#refused.set(logicalId, 'the local cloud does not have this type');
      return;
    }
    const { properties, without, problem, remark } = this.#understood(resource, provider);
    if (problem !== undefined) {
      this.#refused.set(logicalId, problem);
      return;
    }
    for (const property of without) {
      this.#without.set(property, [...(this.#without.get(property) ?? []), logicalId]);
    }
    if (remark !== undefined) this.#notes.push(`${logicalId} ${remark}`);
    this.#chosen.set(logicalId, { ...resource, Properties: properties });
    for (const other of [...this.#referencesOf(properties), ...dependsOn(resource)]) this.include(other);
  }

  /** Until nothing more belongs to what was chosen. */
  includeTied(): void {
    const undecided = Object.entries(this.template.Resources);
    for (let before = -1; before !== this.#chosen.size;) {
      before = this.#chosen.size;
      for (const [logicalId, resource] of undecided) if (this.#isTied(resource)) this.include(logicalId);
    }
  }

  selection(): Selection {
    const standIns = standInFor(this.template, this.facts, (logicalId, attribute) => {
      const type = this.#chosen.get(logicalId)?.Type;
      if (type === undefined) return false;
      return attribute === undefined || (this.providers.get(type)?.attributes.includes(attribute) ?? false);
    });
    const chosen: Template = {
      ...this.template,
      Resources: Object.fromEntries(this.#chosen),
      Outputs: this.#outputs(),
    };
    const outside = standInForOutside(chosen, this.facts.account, this.#scopeWith(standIns));
    return {
      template: withoutMissingDependencies(outside.template),
      standIns,
      leftOut: this.#leftOut(),
      notes: [
        ...[...this.#without].map(([property, ids]) => `${ids.join(', ')}: without ${property}`),
        ...this.#notes,
        ...outside.notes,
      ],
    };
  }

  #scopeWith(standIns: StandIns): Scope {
    const facts = { ...this.facts, standIns };
    return createScope(this.template, facts, {
      unknown: '<unknown>',
      find: (logicalId) => {
        if (!(logicalId in this.template.Resources)) return undefined;
        this.#references.add(logicalId);
        return { ref: `<${logicalId}>`, attributes: {} };
      },
      attribute: (_resource, logicalId, attribute) => `<${logicalId}.${attribute}>`,
    });
  }

  /** Without the properties that the local cloud does not have, and those that nobody could resolve here. */
  #understood({ Properties }: TemplateResource, provider: ResourceProvider) {
    const properties = { ...Properties };
    const resolved: Record<string, unknown> = {};
    const without: string[] = [];
    const drop = (name: string): void => {
      Reflect.deleteProperty(properties, name);
      Reflect.deleteProperty(resolved, name);
      without.push(name);
    };
    for (const [name, value] of Object.entries(Properties)) {
      const found = this.#attempt(() => resolve({ [name]: value }, this.#scope) as Record<string, unknown>);
      if (found === undefined) drop(name);
      else Object.assign(resolved, found);
    }
    for (const { unknown } of provider.check(resolved)) {
      if (unknown !== undefined && unknown in properties) drop(unknown);
    }
    const [issue] = provider.check(resolved);
    if (issue !== undefined) return { properties, without, problem: `${issue.property}: ${issue.expected}` };
    return { properties, without, remark: provider.remark(resolved) };
  }

  #isTied(resource: TemplateResource): boolean {
    const property = TIES[resource.Type];
    if (property === undefined || !this.#exists(resource)) return false;
    const others =
      property === 'DependsOn' ? dependsOn(resource) : this.#referencesOf(resource.Properties[property]);
    return others.some((other) => this.#chosen.has(other));
  }

  #referencesOf(value: unknown): string[] {
    this.#references = new Set();
    this.#attempt(() => resolve(value, this.#scope));
    return [...this.#references];
  }

  #exists({ Condition }: TemplateResource): boolean {
    return Condition === undefined || (this.#attempt(() => this.#scope.condition(Condition)) ?? false);
  }

  #outputs(): Template['Outputs'] {
    const resolvable = ([, { Value, Export }]: [string, Template['Outputs'][string]]): boolean =>
      this.#attempt(() => resolve([Value, Export?.Name], this.#scope)) !== undefined;
    return Object.fromEntries(Object.entries(this.template.Outputs).filter(resolvable));
  }

  #leftOut(): LeftOut[] {
    return Object.entries(this.template.Resources).flatMap(([logicalId, resource]) => {
      if (this.#chosen.has(logicalId) || !this.#exists(resource)) return [];
      const why = this.#refused.get(logicalId);
      return [{ logicalId, type: resource.Type, ...(why !== undefined && { why }) }];
    });
  }

  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return undefined;
    }
  }
}

function withoutMissingDependencies(template: Template): Template {
  const Resources = Object.entries(template.Resources).map(([logicalId, resource]) => {
    const DependsOn = dependsOn(resource).filter((other) => other in template.Resources);
    return [logicalId, { ...resource, DependsOn }] as const;
  });
  return { ...template, Resources: Object.fromEntries(Resources) };
}
