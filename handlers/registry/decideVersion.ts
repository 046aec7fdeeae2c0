import {
  compareVersions,
  EdgeError,
  highestMatching,
  nextPatch,
  type FunctionIndex,
  type FunctionManifest,
} from '../../protocol';

/** The version of the first package of a function that names none. */
const FIRST_VERSION = '1.0.0';

export interface UploadedVersion {
  /** SHA-256 of the zip, hex. */
  digest: string;
  /** The version that `edge.json` names. */
  version?: string;
  /** ISO 8601 in UTC with milliseconds: sorts as text. */
  uploadedAt: string;
}

export interface VersionDecision {
  version: string;
  /** Registered before, with this very content. */
  known?: FunctionManifest;
  /** This upload is the youngest of the function, so its version is the latest. */
  latest: boolean;
}

/**
 * Which version an upload is, and whether it becomes the latest. Pure.
 *
 * - Content that is registered keeps its version; it becomes the latest again if uploaded again.
 * - No version named: the next patch after the highest registered, first 1.0.0.
 * - A named version with other content: VERSION_CONFLICT.
 * - The latest is the version of the youngest upload, whatever the order in which events arrive. An
 *   upload that names no version and is older than the registered latest has no place any more
 *   (a higher number would let `^1` find old content): VERSION_CONFLICT.
 *
 * `taken` are versions that another writer holds but has not put into the index yet.
 */
export function decideVersion(
  index: FunctionIndex | undefined,
  upload: UploadedVersion,
  taken: ReadonlySet<string> = new Set(),
): VersionDecision {
  const latest = index?.latestUploadedAt === undefined || upload.uploadedAt >= index.latestUploadedAt;
  const known = index && knownVersion(index, upload);
  if (known) return { version: known.version, known, latest };
  if (upload.version !== undefined) {
    if (index?.versions[upload.version] || taken.has(upload.version)) throw versionConflict(upload.version);
    return { version: upload.version, latest };
  }
  if (!latest) {
    throw new EdgeError(
      'VERSION_CONFLICT',
      'a newer upload of the function was registered first; upload this one again if it is the one you want',
    );
  }
  return { version: nextFree(index, taken), latest };
}

/** The index after the decision; equal to `index` when there is nothing to change. */
export function indexAfter(
  index: FunctionIndex | undefined,
  decision: VersionDecision,
  upload: { manifest: FunctionManifest; uploadedAt: string; registeredAt: string },
): FunctionIndex {
  const { manifest, uploadedAt, registeredAt } = upload;
  const versions = { ...index?.versions };
  versions[decision.version] ??= { manifest, registeredAt };
  if (index !== undefined && !decision.latest) return { ...index, versions };
  return { format: 1, name: manifest.name, latest: decision.version, latestUploadedAt: uploadedAt, versions };
}

export function versionConflict(version: string): EdgeError {
  return new EdgeError('VERSION_CONFLICT', `version ${version} exists with other content`, {
    field: 'version',
    details: { version },
  });
}

/** The same content may stand under several numbers: the latest of them, else the highest. */
function knownVersion(index: FunctionIndex, upload: UploadedVersion): FunctionManifest | undefined {
  const equal = Object.entries(index.versions)
    .filter(([version]) => upload.version === undefined || version === upload.version)
    .filter(([, { manifest }]) => manifest.digest === upload.digest)
    .sort(([a], [b]) => Number(b === index.latest) - Number(a === index.latest) || compareVersions(b, a));
  return equal[0]?.[1].manifest;
}

function nextFree(index: FunctionIndex | undefined, taken: ReadonlySet<string>): string {
  const versions = [...Object.keys(index?.versions ?? {}), ...taken];
  const highest = highestMatching(versions);
  return highest === undefined ? FIRST_VERSION : nextPatch(highest);
}
