import {
  canonicalJson,
  groupDefinitionSchema,
  keys,
  storedUpdateSchema,
  type GroupDefinition,
  type StoredUpdate,
} from '../../../protocol';
import type { Definitions, PendingUpdate, Requests, Versioned } from '../../../handlers/ports';
import { openGate, through, type Gate } from './gate';

export class MemoryDefinitions implements Definitions {
  readonly latest = new Map<string, Versioned<GroupDefinition>>();
  readonly revisions: GroupDefinition[] = [];

  constructor(private readonly gate: Gate = openGate) {}

  async read(group: string): Promise<Versioned<GroupDefinition> | undefined> {
    return through(this.gate, `read ${group}`, () => structuredClone(this.latest.get(group)));
  }

  async readRevision(group: string, revision: number): Promise<GroupDefinition | undefined> {
    return through(this.gate, `readRevision ${revision}`, () =>
      this.revisions.find((one) => one.group === group && one.revision === revision),
    );
  }

  async write(definition: GroupDefinition, etag: string | undefined): Promise<boolean> {
    return through(this.gate, `write ${definition.revision}`, () => {
      if (this.latest.get(definition.group)?.etag !== etag) return false;
      this.put(definition);
      return true;
    });
  }

  async groups(): Promise<string[]> {
    return through(this.gate, 'groups', () => [...this.latest.keys()]);
  }

  put(definition: GroupDefinition): void {
    const value = groupDefinitionSchema.parse(structuredClone(definition));
    this.revisions.push(value);
    this.latest.set(definition.group, { value, etag: `"${this.revisions.length}"` });
  }
}

export class MemoryRequests implements Requests {
  readonly stored = new Map<string, StoredUpdate>();
  /** Every update that was ever stored, by its request id. */
  readonly history: StoredUpdate[] = [];

  constructor(private readonly gate: Gate = openGate) {}

  async store(update: StoredUpdate): Promise<'stored' | 'duplicate'> {
    return through(this.gate, `store ${update.requestId}`, () => {
      const key = keys.request(update.group, update.requestId);
      if (this.stored.has(key)) return 'duplicate';
      this.stored.set(key, storedUpdateSchema.parse(update));
      this.history.push(update);
      return 'stored';
    });
  }

  async pending(group: string): Promise<PendingUpdate[]> {
    return through(this.gate, `pending ${group}`, () =>
      [...this.stored]
        .filter(([, update]) => update.group === group)
        .map(([key, update]) => ({ key, update: structuredClone(update) })),
    );
  }

  /** One by one, as on S3: a crash in between leaves some. */
  async remove(requestKeys: readonly string[]): Promise<void> {
    for (const key of requestKeys) await through(this.gate, `remove ${key}`, () => this.stored.delete(key));
  }

  async groupsWithPending(): Promise<string[]> {
    return through(this.gate, 'groupsWithPending', () => [
      ...new Set([...this.stored.values()].map(({ group }) => group)),
    ]);
  }
}

/** Equal content, whatever its revision. */
export function contentOf(definition: GroupDefinition): string {
  return canonicalJson({ ...definition, revision: 0 });
}
