import { AwsError } from '../base/context';
import { resolve, type Scope } from './intrinsics';
import type { ResourceProvider } from './resource';
import { createScope, type StackFacts } from './scope';
import { dependsOn, type Template, type TemplateOutput, type TemplateResource } from './template';

export interface PlannedResource {
  logicalId: string;
  provider: ResourceProvider;
  template: TemplateResource;
}

export type Providers = ReadonlyMap<string, ResourceProvider>;

/**
 * What a template would make, in an order in which it can be made. Nothing is touched: every
 * resource type, property and reference that is not understood is found here, all of them at once.
 * Throws AwsError ValidationError.
 */
export function planStack(template: Template, facts: StackFacts, providers: Providers): PlannedResource[] {
  const check = new TemplateCheck(template, facts, providers);
  const included = Object.entries(template.Resources).filter(([logicalId, { Condition }]) =>
    check.includes(logicalId, Condition),
  );
  const present = new Set(included.map(([logicalId]) => logicalId));
  const planned = new Map<string, PlannedResource>();
  for (const [logicalId, resource] of included) {
    const provider = check.resource(logicalId, resource, present);
    if (provider !== undefined) planned.set(logicalId, { logicalId, provider, template: resource });
  }
  for (const [name, output] of Object.entries(template.Outputs)) check.output(name, output);
  const order = check.order();
  check.throwIssues();
  return order.flatMap((logicalId) => planned.get(logicalId) ?? []);
}

/** Resolves everything with placeholders for what does not exist yet, and gathers what is wrong. */
class TemplateCheck {
  readonly #issues: string[] = [];
  readonly #dependencies = new Map<string, Set<string>>();
  readonly #scope: Scope;
  #where = 'template';
  #references = new Set<string>();

  constructor(
    private readonly template: Template,
    private readonly facts: StackFacts,
    private readonly providers: Providers,
  ) {
    this.#scope = createScope(template, facts, {
      unknown: '<unknown>',
      find: (logicalId) => {
        if (logicalId in template.Resources) this.#references.add(logicalId);
        else this.#issue(`there is no resource or parameter ${logicalId}`);
        return { ref: `<${logicalId}>`, attributes: {} };
      },
      attribute: (_resource, logicalId, attribute) => {
        const type = template.Resources[logicalId]?.Type ?? '';
        const known = providers.get(type)?.attributes;
        if (known !== undefined && !known.includes(attribute)) {
          this.#issue(`${logicalId} (${type}) has no attribute ${attribute} in the local cloud`);
        }
        return `<${logicalId}.${attribute}>`;
      },
    });
  }

  includes(where: string, condition: string | undefined): boolean {
    this.#where = where;
    return condition === undefined || (this.#attempt(() => this.#scope.condition(condition)) ?? false);
  }

  /** The provider of a resource, if the local cloud has one. */
  resource(
    logicalId: string,
    resource: TemplateResource,
    present: ReadonlySet<string>,
  ): ResourceProvider | undefined {
    this.#where = `${logicalId} (${resource.Type})`;
    const provider = this.providers.get(resource.Type);
    if (provider === undefined) {
      this.#issue('this resource type is not supported by the local cloud');
      return undefined;
    }
    this.#references = new Set();
    const properties = this.#attempt(() => resolve(resource.Properties, this.#scope));
    if (properties !== undefined) {
      for (const { property, expected } of provider.check(properties))
        this.#issue(`${property}: ${expected}`);
    }
    this.#require(logicalId, dependsOn(resource), present);
    return provider;
  }

  output(name: string, { Condition, Value, Export }: TemplateOutput): void {
    if (!this.includes(`output ${name}`, Condition)) return;
    this.#attempt(() => resolve([Value, Export?.Name], this.#scope));
  }

  order(): string[] {
    this.#where = 'template';
    return this.#attempt(() => dependencyOrder(this.#dependencies)) ?? [];
  }

  throwIssues(): void {
    if (this.#issues.length === 0) return;
    const list = this.#issues.map((issue) => `  - ${issue}`).join('\n');
    throw new AwsError(
      'ValidationError',
      `the template of ${this.facts.stackName} cannot be deployed here:\n${list}`,
    );
  }

  #require(logicalId: string, named: readonly string[], present: ReadonlySet<string>): void {
    for (const id of named) {
      if (!(id in this.template.Resources)) this.#issue(`DependsOn names ${id}, which does not exist`);
    }
    for (const id of this.#references) {
      if (!present.has(id)) this.#issue(`refers to ${id}, which its condition leaves out`);
    }
    const needed = [...this.#references, ...named].filter((id) => present.has(id));
    this.#dependencies.set(logicalId, new Set(needed));
  }

  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#issue(error.message);
      return undefined;
    }
  }

  #issue(text: string): void {
    this.#issues.push(`${this.#where}: ${text}`);
  }
}

/**
 * Logical ids so that each comes after what it depends on; otherwise in the order given.
 * Throws a TypeError naming the cycle, if there is one.
 */
function dependencyOrder(dependencies: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const ordered: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];

  const visit = (logicalId: string): void => {
    if (done.has(logicalId)) return;
    const start = path.indexOf(logicalId);
    if (start >= 0) {
      throw new TypeError(`circular dependency: ${[...path.slice(start), logicalId].join(' → ')}`);
    }
    path.push(logicalId);
    for (const needed of dependencies.get(logicalId) ?? []) visit(needed);
    path.pop();
    done.add(logicalId);
    ordered.push(logicalId);
  };

  for (const logicalId of dependencies.keys()) visit(logicalId);
  return ordered;
}
