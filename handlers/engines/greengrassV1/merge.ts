import { canonicalJson } from '../../../protocol';
import type { ContentKind, Core, Device, GroupContent, Resource, Subscription } from './content';
import { isOwnId } from './ids';

interface Identified {
  Id?: string | undefined;
}

/** What an entry is about, whatever its id: V1 takes each once per definition version. */
const SUBJECTS: { [K in ContentKind]?: (entry: GroupContent[K][number]) => string | undefined } = {
  devices: ({ ThingArn }: Device) => ThingArn,
  resources: ({ Name }: Resource) => Name,
  subscriptions: ({ Source, Subject, Target }: Subscription) => [Source, Subject, Target].join('\n'),
};

/**
 * The entries of the next version: what the user put there stays as it is, of ours exactly these. What
 * ours are about is ours under any id, because an editor of the group may have given them others; so are
 * things in `gone`, of which there is nothing any more: a revoked device must not come back. A group
 * has one core, the definition's; loggers of the user are all that there is; functions are merged elsewhere.
 */
export function nextEntries<K extends Exclude<ContentKind, 'functions'>>(
  kind: K,
  current: GroupContent[K],
  own: GroupContent[K],
  gone: ReadonlySet<string>,
): GroupContent[K] {
  if (kind === 'cores') return withShadows(current as Core[], own as Core[]) as GroupContent[K];
  const subjectOf = SUBJECTS[kind] as ((entry: Identified) => string | undefined) | undefined;
  const ours = new Set(subjectOf && (own as Identified[]).map(subjectOf));
  const users = (current as Identified[]).filter((entry) => {
    const subject = subjectOf?.(entry);
    return !isOwnId(entry.Id) && (subject === undefined || !(ours.has(subject) || gone.has(subject)));
  });
  if (kind === 'loggers') return (users.length > 0 ? users : own) as GroupContent[K];
  const next = kind === 'devices' ? withShadows(current as Device[], own as Device[]) : own;
  return [...users, ...next] as GroupContent[K];
}

/** Whether the cloud gets a thing's shadow is for the user to say, such as in the console. */
function withShadows<T extends Core | Device>(current: readonly T[], own: readonly T[]): T[] {
  const shadows = new Map(current.map(({ ThingArn, SyncShadow }) => [ThingArn, SyncShadow]));
  return own.map((entry) => ({ ...entry, SyncShadow: shadows.get(entry.ThingArn) ?? entry.SyncShadow }));
}

/** Whether two versions deploy the same, in whatever order. */
export function sameEntries(left: readonly Identified[], right: readonly Identified[]): boolean {
  return comparable(left) === comparable(right);
}

function comparable(entries: readonly Identified[]): string {
  const sorted = [...entries].sort((a, b) => ((a.Id ?? '') < (b.Id ?? '') ? -1 : 1));
  return canonicalJson(JSON.parse(JSON.stringify(sorted)) as unknown);
}
