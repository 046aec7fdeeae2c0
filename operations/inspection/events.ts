import { coreStatusSchema, uploadResultSchema } from '../../protocol';
import type { OperatorAccess } from '../groups/changeGroup';
import { inParallel } from '../../lib/concurrency';
import { tryParseJson } from '../../lib/json';
import { objectsBelow, readText, type ListedObject, READS_AT_ONCE } from '../objects';
import { revisionRecordSchema } from './overview';

/** Something that happened, from the documents that the service leaves in its buckets. */
export interface HistoryEvent {
  /** ISO 8601. */
  at: string;
  what: 'package' | 'definition' | 'deployment' | 'edge' | 'failure';
  /** Group, or core, or function. */
  about: string;
  group?: string;
  ok: boolean;
  text: string;
  /** Where it can be read in full. */
  key: string;
}

interface Source {
  bucket: 'functionsBucket' | 'stateBucket';
  prefix: string;
  /** Undefined for what is no event. */
  read: (object: ListedObject, text: () => Promise<string | undefined>) => Promise<HistoryEvent | undefined>;
}

/**
 * What happened since `since` (milliseconds since the epoch), oldest first, without the objects in
 * `seen`; these are added to it, by key and ETag, so that the next call tells what is new.
 */
export async function readEvents(
  { operator, outputs }: OperatorAccess,
  since: number,
  seen: Set<string> = new Set(),
): Promise<HistoryEvent[]> {
  const { s3 } = operator.clients;
  const perSource = await Promise.all(
    SOURCES.map(async ({ bucket, prefix, read }) => {
      const all = await objectsBelow(s3, outputs[bucket], prefix);
      const fresh = all.filter((object) => object.at >= since && !seen.has(idOf(object)));
      for (const object of fresh) seen.add(idOf(object));
      return inParallel(fresh, READS_AT_ONCE, (object) =>
        read(object, () => readText(s3, outputs[bucket], object.key)),
      );
    }),
  );
  return perSource
    .flat()
    .filter((event) => event !== undefined)
    .sort((a, b) => (a.at < b.at ? -1 : 1));
}

function idOf({ key, etag, at }: ListedObject): string {
  return `${key} ${etag} ${at}`;
}

const SOURCES: readonly Source[] = [
  { bucket: 'functionsBucket', prefix: 'results/', read: readUpload },
  { bucket: 'stateBucket', prefix: 'groups/', read: readDefinition },
  { bucket: 'stateBucket', prefix: 'deployments/', read: readDeployment },
  { bucket: 'stateBucket', prefix: 'status/', read: readStatus },
  { bucket: 'stateBucket', prefix: 'failures/', read: readFailure },
];

function base({ key, at }: ListedObject): { key: string; at: string } {
  return { key, at: new Date(at).toISOString() };
}

async function readUpload(
  object: ListedObject,
  text: () => Promise<string | undefined>,
): Promise<HistoryEvent | undefined> {
  const result = uploadResultSchema.safeParse(tryParseJson((await text()) ?? '')).data;
  if (result === undefined) return undefined;
  const about = result.status === 'registered' ? result.name : result.upload;
  const said =
    result.status === 'registered'
      ? `${result.version} ${result.changed ? 'registered' : 'was registered already'}`
      : `refused: ${result.error.message} (${result.error.code})`;
  const ok = result.status === 'registered';
  return { ...base(object), at: result.at, what: 'package', about, ok, text: said };
}

async function readDefinition(object: ListedObject): Promise<HistoryEvent | undefined> {
  // Its revision is told by the deployment; an older revision is a copy and no event of its own.
  const group = /^groups\/([^/]+)\/definition\.json$/.exec(object.key)?.[1];
  if (group === undefined) return undefined;
  return { ...base(object), what: 'definition', about: group, group, ok: true, text: 'definition stored' };
}

async function readDeployment(
  object: ListedObject,
  text: () => Promise<string | undefined>,
): Promise<HistoryEvent | undefined> {
  const record = revisionRecordSchema.safeParse(tryParseJson((await text()) ?? '')).data;
  if (record === undefined) return undefined;
  const { group, revision, state, at, error } = record;
  const reason = error === undefined ? '' : `: ${error.message} (${error.code})`;
  const said = `revision ${revision} ${state}${reason}`;
  return { ...base(object), at, what: 'deployment', about: group, group, ok: state !== 'failed', text: said };
}

/** A report in which nothing has changed is no event. */
const HEARTBEAT = '/heartbeat.json';

async function readStatus(
  object: ListedObject,
  text: () => Promise<string | undefined>,
): Promise<HistoryEvent | undefined> {
  if (object.key.endsWith(HEARTBEAT)) return undefined;
  const status = coreStatusSchema.safeParse(tryParseJson((await text()) ?? '')).data;
  if (status === undefined) return undefined;
  const { core, group, at, state, revision, functions } = status;
  const failed = functions.filter((each) => each.state === 'failed');
  const list = functions.map((each) => `${each.key} ${each.state}`).join(', ') || 'no functions';
  const said = `${state}, revision ${revision}: ${list}`;
  return { ...base(object), at, what: 'edge', about: core, group, ok: failed.length === 0, text: said };
}

/** What a rule could not deliver, or an update that nobody could read. */
async function readFailure(object: ListedObject): Promise<HistoryEvent | undefined> {
  const name = object.key.slice('failures/'.length);
  const group = /^requests\/([^/]+)\//.exec(name)?.[1];
  const said = group === undefined ? 'a rule could not deliver a message' : 'an update could not be read';
  return {
    ...base(object),
    what: 'failure',
    about: group ?? name,
    ...(group !== undefined && { group }),
    ok: false,
    text: `${said}: ${object.key}`,
  };
}
