import {
  GROUP_PREFIX,
  groupDefinitionSchema,
  keys,
  parseJsonWith,
  type GroupDefinition,
} from '../../protocol';
import type { S3Documents, StoredDocument } from './s3Documents';
import type { Definitions, Versioned } from '../ports';

/**
 * Desired state of edge groups in the state bucket: the latest under one key, the older revisions
 * under keys of their own. A revision is copied there before the next one replaces it: then no crash
 * can lose one, and none appears there that lost the race.
 */
export class S3Definitions implements Definitions {
  /** The document last read per group, so that copying it costs no second read. */
  private readonly lastRead = new Map<string, StoredDocument>();

  constructor(private readonly documents: S3Documents) {}

  async read(group: string): Promise<Versioned<GroupDefinition> | undefined> {
    const key = keys.definition(group);
    const found = await this.documents.get(key);
    if (found === undefined) return undefined;
    this.lastRead.set(group, found);
    return { value: parseDefinition(found.text, key), etag: found.etag };
  }

  async readRevision(group: string, revision: number): Promise<GroupDefinition | undefined> {
    const key = keys.revision(group, revision);
    const archived = await this.documents.get(key);
    if (archived !== undefined) return parseDefinition(archived.text, key);
    const latest = await this.read(group);
    return latest?.value.revision === revision ? latest.value : undefined;
  }

  async write(definition: GroupDefinition, etag: string | undefined): Promise<boolean> {
    const key = keys.definition(definition.group);
    const text = JSON.stringify(definition);
    if (etag === undefined) return this.documents.put(key, text, { ifAbsent: true });
    if (!(await this.archive(definition.group, etag))) return false;
    return this.documents.put(key, text, { ifMatch: etag });
  }

  async groups(): Promise<string[]> {
    const { prefixes } = await this.documents.list(GROUP_PREFIX, '/');
    return prefixes.map((prefix) => prefix.slice(GROUP_PREFIX.length, -1));
  }

  /** False when the document with that ETag is not the latest any more. */
  private async archive(group: string, etag: string): Promise<boolean> {
    const key = keys.definition(group);
    const remembered = this.lastRead.get(group);
    const current = remembered?.etag === etag ? remembered : await this.documents.get(key);
    if (current?.etag !== etag) return false;
    const { revision } = parseDefinition(current.text, key);
    await this.documents.put(keys.revision(group, revision), current.text, { ifAbsent: true });
    return true;
  }
}

function parseDefinition(text: string, key: string): GroupDefinition {
  return parseJsonWith(groupDefinitionSchema, text, key, 'INTERNAL');
}
