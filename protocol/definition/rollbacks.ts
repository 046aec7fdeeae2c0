import { EdgeError, type ErrorBody, type ErrorCode } from '../errors';
import { functionKey, splitFunctionKey } from '../manifest';
import { splitClaimKey, type VersionFailure, type GroupDefinition, type RollbackEntry } from './schema';

/** Versions that do not run on a group, and what serves in their place. Pure. */

/** A claim, or the static of a function, in the numbering of its register. */
type Kind = keyof RollbackEntry['upTo'];
interface Named {
  version: string;
  seq: number;
}

/**
 * The version that serves a claim or static: the one that it names, else the fallback of its rollback.
 * Undefined when nothing does.
 */
export function effectiveVersion(
  definition: Pick<GroupDefinition, 'rollbacks'>,
  functionName: string,
  { version: named, seq }: Named,
  kind: Kind,
): string | undefined {
  const tried = new Set<string>();
  let version: string | undefined = named;
  while (version !== undefined && !tried.has(version)) {
    tried.add(version);
    const rollback: RollbackEntry | undefined = definition.rollbacks?.[functionKey(functionName, version)];
    if (rollback === undefined || seq > rollback.upTo[kind]) return version;
    version = rollback.fallback;
  }
  return undefined;
}

export interface Rollback {
  function: string;
  version: string;
  error: ErrorBody;
  fallback?: string;
  /** The operator put the version there. */
  static: boolean;
  /** Devices that asked for it. */
  devices: string[];
}

/** The rollbacks in force: those that something of the definition still asks for. */
export function rollbacksInForce(definition: GroupDefinition): Rollback[] {
  return Object.entries(definition.rollbacks ?? {}).flatMap(([key, { error, fallback, upTo }]) => {
    const { name, version } = splitFunctionKey(key);
    const asked = askers(definition, name).filter(
      (each) => each.version === version && each.seq <= upTo[each.kind],
    );
    if (asked.length === 0) return [];
    const devices = asked.flatMap(({ device }) => device ?? []);
    const rollback = { function: name, version, error, static: devices.length < asked.length, devices };
    return [{ ...rollback, ...(fallback !== undefined && { fallback }) }];
  });
}

/**
 * The highest numbers of the claims and of the static that this version serves or should serve.
 * Undefined when the group does not want the version.
 */
export function wantedUpTo(
  definition: GroupDefinition,
  functionName: string,
  version: string,
): RollbackEntry['upTo'] | undefined {
  const asked = askers(definition, functionName).filter(
    (each) =>
      each.version === version || effectiveVersion(definition, functionName, each, each.kind) === version,
  );
  if (asked.length === 0) return undefined;
  const highest = (kind: Kind) =>
    Math.max(0, ...asked.filter((each) => each.kind === kind).map(({ seq }) => seq));
  return { claims: highest('claims'), static: highest('static') };
}

/** A rolled back version that nothing of the definition asks for in earnest any more. */
export function isRolledBack(definition: GroupDefinition, key: string): boolean {
  if (definition.rollbacks?.[key] === undefined) return false;
  const { name, version } = splitFunctionKey(key);
  return askers(definition, name).every(
    (each) => effectiveVersion(definition, name, each, each.kind) !== version,
  );
}

function askers(
  { statics, claims }: GroupDefinition,
  functionName: string,
): (Named & { kind: Kind; device?: string })[] {
  const fixed = statics[functionName];
  const live = Object.entries(claims).flatMap(([key, { version, seq, released }]) => {
    const { device, function: name } = splitClaimKey(key);
    return released || name !== functionName ? [] : [{ version, seq, kind: 'claims' as const, device }];
  });
  if (fixed === undefined || fixed.removed) return live;
  return [...live, { version: fixed.version, seq: fixed.seq, kind: 'static' }];
}

/** Codes of refusals that are due to the caller or the moment, not to the version. */
const NOT_OF_THE_VERSION: ReadonlySet<ErrorCode> = new Set([
  'ABORTED',
  'CLOSED',
  'CORE_NOT_AUTHORISED',
  'NOT_ENTITLED',
  'NOT_FOUND',
  'GROUP_NOT_FOUND',
]);

/** Whether starting this version again would fail again: the reason lies in the version. */
export function isDefinitive(error: ErrorBody): boolean {
  return !EdgeError.fromJSON(error).retryable && !NOT_OF_THE_VERSION.has(error.code);
}

/** Bytes of a reason in JSON: it rides in updates of at most 2 KB and stays in the definition. */
const MAX_REASON_BYTES = 512;

/** The reason in at most MAX_REASON_BYTES of JSON: its code, what was thrown, and the message's beginning. */
export function boundedReason({ code, message, details }: ErrorBody): ErrorBody {
  const errorType = details?.['errorType'];
  const known = typeof errorType === 'string' ? { details: { errorType: errorType.slice(0, 64) } } : {};
  let text = message.slice(0, MAX_REASON_BYTES);
  for (;;) {
    const bounded: ErrorBody = { code, message: text, ...known };
    if (utf8Bytes(JSON.stringify(bounded)) <= MAX_REASON_BYTES) return bounded;
    text = text.slice(0, Math.floor(text.length * 0.8));
  }
}

/** Whether the definition shows that this failure was taken note of, or that it matters no more. */
export function isSettled(
  definition: GroupDefinition,
  { function: name, version, upTo }: VersionFailure,
): boolean {
  return askers(definition, name).every(
    (each) => each.seq > upTo[each.kind] || effectiveVersion(definition, name, each, each.kind) !== version,
  );
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
