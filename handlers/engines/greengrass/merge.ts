import { canonicalJson } from '../../../protocol';
import type { ContentKind, GroupContent } from './content';
import { isOwnId } from './ids';

interface Identified {
  Id?: string | undefined;
}

/** Fields of which V1 takes each value once per definition version. */
const UNIQUE: Partial<Record<ContentKind, string>> = { devices: 'ThingArn', resources: 'Name' };

/**
 * The entries of the next version: what the user put there stays as it is, of ours exactly these. Where
 * both name the same thing, the user's stays and ours is left out. Three kinds differ: a group has one
 * core, the definition's; loggers of the user are all that there is; and for functions, see there.
 */
export function nextEntries<K extends ContentKind>(
  kind: K,
  current: GroupContent[K],
  own: GroupContent[K],
): GroupContent[K] {
  const users = (current as Identified[]).filter(({ Id }) => !isOwnId(Id));
  if (kind === 'cores' || kind === 'functions') return own;
  if (kind === 'loggers') return (users.length > 0 ? users : own) as GroupContent[K];
  const field = UNIQUE[kind];
  const taken = new Set(users.map((entry) => valueOf(entry, field)));
  const ours = (own as Identified[]).filter(
    (entry) => field === undefined || !taken.has(valueOf(entry, field)),
  );
  return [...users, ...ours] as GroupContent[K];
}

function valueOf(entry: Identified, field: string | undefined): unknown {
  return field === undefined ? undefined : (entry as Record<string, unknown>)[field];
}

/** Whether two versions deploy the same, in whatever order. */
export function sameEntries(left: readonly Identified[], right: readonly Identified[]): boolean {
  return comparable(left) === comparable(right);
}

function comparable(entries: readonly Identified[]): string {
  const sorted = [...entries].sort((a, b) => ((a.Id ?? '') < (b.Id ?? '') ? -1 : 1));
  return canonicalJson(JSON.parse(JSON.stringify(sorted)) as unknown);
}
