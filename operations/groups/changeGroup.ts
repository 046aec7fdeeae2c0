import { randomUUID } from 'node:crypto';
import {
  EdgeError,
  emptyDefinition,
  parseWith,
  storedUpdateSchema,
  type GroupDefinition,
  type StoredUpdate,
} from '../../protocol';
import { hasAbsorbed, operatorUpdate, type UpdateMeta, type WantedGroup } from './groupUpdate';
import type { Operator } from '../operator';
import type { ServiceOutputs } from '../outputs';
import type { PollOptions } from '../poll';

/** Whom an operator speaks for, and where. */
export interface OperatorAccess {
  operator: Operator;
  outputs: ServiceOutputs;
}

/** Both without a revision when there is nothing of the group yet. */
export interface GroupChange {
  group: string;
  before: GroupDefinition;
  after: GroupDefinition;
}

export interface ChangeOptions extends PollOptions {
  /** Who asks, for the record. */
  operatorName?: string;
}

/** Somebody else changed the same registers meanwhile, again and again. */
const MAX_ATTEMPTS = 5;

/**
 * Submits what `next` makes of the definition until it asks for no more. Store first, then act: each
 * update lies in the state bucket before the cloud merges it. Throws EdgeError TIMED_OUT, CONFLICT.
 */
export async function changeGroup(
  { operator, outputs }: OperatorAccess,
  group: string,
  next: (current: GroupDefinition | undefined, meta: UpdateMeta) => StoredUpdate | undefined,
  options: ChangeOptions = {},
): Promise<GroupChange> {
  const bucket = outputs.stateBucket;
  const before = await operator.definition(bucket, group);
  let current = before;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const update = next(current, newMeta(options.operatorName));
    if (update === undefined) {
      return {
        group,
        before: before ?? emptyDefinition(group),
        after: current ?? emptyDefinition(group),
      };
    }
    // The cloud would put one aside that it cannot read, and nobody would hear of it.
    await operator.submitUpdate(bucket, parseWith(storedUpdateSchema, update, 'update', 'INTERNAL'));
    const absorbed = (definition: GroupDefinition): boolean => hasAbsorbed(definition, update);
    current = await operator.waitForDefinition(bucket, group, absorbed, options);
  }
  throw new EdgeError('CONFLICT', `group ${group} is being changed by somebody else`);
}

/** Brings a group to what is wanted of it. */
export function updateGroup(
  access: OperatorAccess,
  wanted: WantedGroup,
  options?: ChangeOptions,
): Promise<GroupChange> {
  const next = (current: GroupDefinition | undefined, meta: UpdateMeta) =>
    operatorUpdate(current, wanted, meta);
  return changeGroup(access, wanted.group, next, options);
}

export function newMeta(operator = 'operator'): UpdateMeta {
  return { requestId: randomUUID(), receivedAt: new Date().toISOString(), operator };
}
