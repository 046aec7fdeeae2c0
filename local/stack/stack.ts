import { isDeepStrictEqual } from 'node:util';
import { AwsError, type CloudContext } from '../base/context';
import { resolve, type Scope } from './intrinsics';
import type { PlannedResource } from './plan';
import { generateName, type PhysicalResource, type ResourceContext } from './resource';
import { createScope, type StackFacts } from './scope';
import type { CloudServices } from '../services';
import type { Template } from './template';

export interface DeployedResource extends PlannedResource {
  properties: unknown;
  physical: PhysicalResource;
  /** Rises with each replacement, so that the new one gets another name. */
  generation: number;
}

/** In the order in which they were made. */
export type DeployedResources = ReadonlyMap<string, DeployedResource>;

export interface PlannedChange {
  template: Template;
  facts: StackFacts;
  planned: readonly PlannedResource[];
  previous: DeployedResources;
}

/**
 * Brings a stack from `previous` to the planned resources: creates, updates in place, replaces, and
 * only when all of that has succeeded deletes what is no longer wanted. A failure undoes everything.
 * Throws AwsError CREATE_FAILED or UPDATE_FAILED naming the resource.
 */
export class StackChange {
  readonly resources = new Map<string, DeployedResource>();
  readonly scope: Scope;
  readonly #undo: (() => Promise<void>)[] = [];
  readonly #cleanUp: (() => Promise<void>)[] = [];

  constructor(
    private readonly cloud: CloudContext,
    private readonly services: CloudServices,
    private readonly change: PlannedChange,
  ) {
    this.scope = createScope(change.template, change.facts, {
      find: (logicalId) => this.resources.get(logicalId)?.physical,
      attribute: (resource, logicalId, attribute) => {
        const value = resource.attributes[attribute];
        if (value === undefined) throw new TypeError(`${logicalId} has no attribute ${attribute}`);
        return value;
      },
    });
  }

  async run(): Promise<void> {
    for (const planned of this.change.planned) {
      try {
        this.resources.set(planned.logicalId, await this.#bring(planned));
      } catch (error) {
        await this.#rollBack();
        throw this.#failure(planned, error);
      }
    }
    this.#removeUnwanted();
    for (const step of this.#cleanUp) await this.#attempt('clean-up', step);
  }

  async #bring(planned: PlannedResource): Promise<DeployedResource> {
    const properties = resolve(planned.template.Properties, this.scope);
    const previous = this.change.previous.get(planned.logicalId);
    if (previous === undefined || previous.provider.type !== planned.provider.type) {
      if (previous !== undefined) this.#deleteLater(previous);
      return this.#create(planned, properties, 0);
    }
    if (isDeepStrictEqual(previous.properties, properties)) return { ...previous, ...planned };
    return this.#update(planned, properties, previous);
  }

  async #create(
    planned: PlannedResource,
    properties: unknown,
    generation: number,
  ): Promise<DeployedResource> {
    const context = this.#context(planned.logicalId, generation);
    const physical = await planned.provider.create(properties, context);
    this.#undo.push(() => planned.provider.delete(physical, properties, context));
    this.#note('created', planned, physical);
    return { ...planned, properties, physical, generation };
  }

  async #update(
    planned: PlannedResource,
    properties: unknown,
    previous: DeployedResource,
  ): Promise<DeployedResource> {
    const { generation } = previous;
    const context = this.#context(planned.logicalId, generation);
    const { provider } = planned;
    const physical = await provider.update(previous.physical, properties, previous.properties, context);
    if (physical === undefined) {
      const created = await this.#create(planned, properties, generation + 1);
      if (planned.template.UpdateReplacePolicy !== 'Retain') this.#deleteLater(previous);
      return created;
    }
    this.#undo.push(async () => {
      await provider.update(physical, previous.properties, properties, context);
    });
    this.#note('updated', planned, physical);
    return { ...planned, properties, physical, generation };
  }

  /** In the reverse order of their making, as they may depend on each other. */
  #removeUnwanted(): void {
    const unwanted = [...this.change.previous.values()].filter(
      ({ logicalId }) => !this.resources.has(logicalId),
    );
    for (const resource of unwanted.reverse()) {
      if (!retained(resource)) this.#deleteLater(resource);
    }
  }

  #deleteLater(resource: DeployedResource): void {
    this.#cleanUp.push(() => this.delete(resource));
  }

  async delete(resource: DeployedResource): Promise<void> {
    const context = this.#context(resource.logicalId, resource.generation);
    await resource.provider.delete(resource.physical, resource.properties, context);
    this.#note('deleted', resource, resource.physical);
  }

  async #rollBack(): Promise<void> {
    for (const step of this.#undo.reverse()) await this.#attempt('rollback', step);
  }

  async #attempt(phase: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.cloud.log.warn({ err: error, stack: this.change.facts.stackName }, `${phase} step failed`);
    }
  }

  #failure(planned: PlannedResource, cause: unknown): AwsError {
    const code = this.change.previous.size === 0 ? 'CREATE_FAILED' : 'UPDATE_FAILED';
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { stackName } = this.change.facts;
    const error = new AwsError(
      code,
      `${stackName}: ${planned.logicalId} (${planned.provider.type}): ${reason}; the stack was rolled back`,
    );
    error.cause = cause;
    return error;
  }

  #context(logicalId: string, generation: number): ResourceContext {
    const { stackName } = this.change.facts;
    return {
      cloud: this.cloud,
      services: this.services,
      stackName,
      logicalId,
      generatedName: (maxLength) => generateName(stackName, logicalId, generation, maxLength),
    };
  }

  #note(what: string, { logicalId, provider }: PlannedResource, { ref }: PhysicalResource): void {
    const stack = this.change.facts.stackName;
    this.cloud.log.debug({ stack, logicalId, type: provider.type, ref }, `resource ${what}`);
  }
}

export function retained({ template }: PlannedResource): boolean {
  return template.DeletionPolicy === 'Retain' || template.DeletionPolicy === 'RetainExceptOnCreate';
}
