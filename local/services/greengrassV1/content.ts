import { invalidDefinition } from './errors';
import type { DefinitionContent, Entry, Kind } from './kinds';

/**
 * Quotas of a group (AWS General Reference, "AWS IoT Greengrass V1 endpoints and quotas").
 * Connectors and loggers have none that is published.
 */
const QUOTAS: Readonly<Partial<Record<Kind['path'], number>>> = {
  cores: 1,
  devices: 2_500,
  functions: 200,
  resources: 200,
  subscriptions: 10_000,
};
/** Subscriptions of a group whose source is the cloud. */
const CLOUD_SUBSCRIPTIONS = 50;
const LONGEST_CORE_NAME = 124;

/** The content of a version as it is stored. Throws InvalidContainerDefinitionException. */
export function checkedContent(kind: Kind, body: unknown): DefinitionContent {
  const result = kind.content.safeParse(body ?? {});
  if (!result.success) {
    throw invalidDefinition(
      kind.noun,
      result.error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'body'}: ${message}`),
    );
  }
  const problems = problemsOf(kind, entriesOf(kind, result.data));
  if (problems.length > 0) throw invalidDefinition(kind.noun, problems);
  return result.data;
}

export function entriesOf(kind: Kind, content: DefinitionContent): Entry[] {
  return (content[kind.list] ?? []) as Entry[];
}

function problemsOf(kind: Kind, entries: readonly Entry[]): string[] {
  const quota = QUOTAS[kind.path] ?? Infinity;
  return [
    ...(entries.length > quota ? [`${entries.length} ${kind.noun} are over the quota of ${quota}`] : []),
    ...UNIQUE[kind.path].flatMap((field) => repeated(entries, field)),
    ...(kind.path === 'cores' ? longNames(entries) : []),
    ...(kind.path === 'subscriptions' ? tooManyFromCloud(entries) : []),
  ];
}

const UNIQUE: Record<Kind['path'], readonly string[]> = {
  connectors: ['Id'],
  cores: ['Id', 'ThingArn'],
  devices: ['Id', 'ThingArn'],
  functions: ['Id', 'FunctionArn'],
  loggers: ['Id'],
  resources: ['Id', 'Name'],
  subscriptions: ['Id'],
};

function repeated(entries: readonly Entry[], field: string): string[] {
  const seen = new Set<unknown>();
  return entries.flatMap((entry) => {
    const value = entry[field];
    if (typeof value === 'string' && seen.has(value)) return [`${field} '${value}' is used more than once`];
    seen.add(value);
    return [];
  });
}

function longNames(entries: readonly Entry[]): string[] {
  return entries
    .map(({ ThingArn }) => String(ThingArn).split(':thing/')[1] ?? '')
    .filter((name) => Buffer.byteLength(name) > LONGEST_CORE_NAME)
    .map((name) => `the thing name of a core has at most ${LONGEST_CORE_NAME} bytes: '${name}'`);
}

function tooManyFromCloud(entries: readonly Entry[]): string[] {
  const count = entries.filter(({ Source }) => Source === 'cloud').length;
  if (count <= CLOUD_SUBSCRIPTIONS) return [];
  return [`${count} subscriptions with the source 'cloud' are over the quota of ${CLOUD_SUBSCRIPTIONS}`];
}
