import {
  EdgeError,
  groupOfRequestKey,
  keys,
  parseJsonWith,
  REQUEST_PREFIX,
  storedUpdateSchema,
  type StoredUpdate,
} from '../../protocol';
import { inParallel } from '../../lib/concurrency';
import type { S3Documents } from './s3Documents';
import type { Log, PendingUpdate, Requests } from '../ports';

/** Objects read or removed at once. */
const WIDTH = 24;

/** Stored updates in the state bucket, one object each. */
export class S3Requests implements Requests {
  constructor(
    private readonly documents: S3Documents,
    private readonly log: Log,
  ) {}

  async store(update: StoredUpdate): Promise<'stored' | 'duplicate'> {
    const key = keys.request(update.group, update.requestId);
    const stored = await this.documents.put(key, JSON.stringify(update), { ifAbsent: true });
    return stored ? 'stored' : 'duplicate';
  }

  async pending(group: string): Promise<PendingUpdate[]> {
    const { keys: found } = await this.documents.list(keys.requests(group));
    const requests = found.filter((key) => groupOfRequestKey(key) === group);
    const updates = await inParallel(requests, WIDTH, (key) => this.read(group, key));
    return updates
      .filter((update) => update !== undefined)
      .sort((a, b) => compare(a.update.receivedAt, b.update.receivedAt) || compare(a.key, b.key));
  }

  async remove(requestKeys: readonly string[]): Promise<void> {
    await inParallel(requestKeys, WIDTH, (key) => this.documents.remove(key));
  }

  async groupsWithPending(): Promise<string[]> {
    const { prefixes } = await this.documents.list(REQUEST_PREFIX, '/');
    return prefixes.map((prefix) => prefix.slice(REQUEST_PREFIX.length, -1));
  }

  /** Undefined when another performer has absorbed and removed it, or when it cannot be read. */
  private async read(group: string, key: string): Promise<PendingUpdate | undefined> {
    const found = await this.documents.get(key);
    if (found === undefined) return undefined;
    try {
      const update = parseJsonWith(storedUpdateSchema, found.text, key);
      if (update.group !== group) throw new EdgeError('BAD_REQUEST', `${key}: names group ${update.group}`);
      return { key, update };
    } catch (error) {
      this.log.error({ group, key, error: EdgeError.from(error).toJSON() }, 'unreadable update put aside');
      await this.documents.put(keys.unreadableRequest(key), found.text);
      await this.documents.remove(key);
      return undefined;
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
