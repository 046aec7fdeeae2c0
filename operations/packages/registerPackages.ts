import { EdgeError, type UploadResult } from '../../protocol';
import { packageDigest } from '../../protocol/functionPackage';
import type { OperatorAccess } from '../groups/changeGroup';
import type { EdgePackage } from '../groups/groupFiles';
import type { PackageUpload } from '../operator';
import { poll, type PollOptions } from '../poll';

export type RegisteredUpload = Extract<UploadResult, { status: 'registered' }>;
type Refusal = Extract<UploadResult, { status: 'refused' }>;

export interface RegisteredPackage {
  name: string;
  version: string;
  digest: string;
  /** False when the registry had exactly this as the latest already. */
  changed: boolean;
}

export interface RegisterOptions extends PollOptions {
  /** Told when a package is on its way, and when the registry has it. */
  progress?: (name: string, state: 'uploading' | 'registering' | 'registered') => void;
}

/**
 * Longer than createFunction may take and than S3 takes to tell of an upload; and what is refused for a
 * fault of the moment is tried again by Lambda, after one minute and after two more.
 */
const REGISTRY_MS = 240_000;

/** Uploads function packages and waits until each is registered. Throws what one was refused for. */
export async function registerPackages(
  access: OperatorAccess,
  packages: readonly EdgePackage[],
): Promise<RegisteredUpload[]> {
  const results = await Promise.all(
    packages.map(async ({ name, bytes }) => {
      const upload = await access.operator.uploadPackage(access.outputs.functionsBucket, name, bytes);
      return { name, result: await access.operator.waitForResult(upload) };
    }),
  );
  return accepted(results);
}

/**
 * Uploads those packages that are not the latest of their function already (by digest), and waits for
 * the registry. Every package is tried before the first refusal is thrown, so that one run names all.
 * Throws EdgeError with the code of the refusal, or TIMED_OUT when the registry says nothing.
 */
export async function registerChanged(
  access: OperatorAccess,
  packages: readonly EdgePackage[],
  options: RegisterOptions = {},
): Promise<RegisteredPackage[]> {
  const results = await Promise.all(
    packages.map(async ({ name, bytes }) => {
      const kept = await latestIfSame(access, name, bytes);
      if (kept !== undefined) return { name, kept };
      options.progress?.(name, 'uploading');
      const upload = await access.operator.uploadPackage(access.outputs.functionsBucket, name, bytes);
      options.progress?.(name, 'registering');
      const result = await settled(access, upload, options);
      options.progress?.(name, 'registered');
      return { name, result };
    }),
  );
  const uploaded = accepted(results.flatMap(({ name, result }) => (result ? [{ name, result }] : [])));
  const fresh = uploaded.map(({ name, version, digest, changed }) => ({ name, version, digest, changed }));
  return [...results.flatMap(({ kept }) => kept ?? []), ...fresh].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function latestIfSame(
  { operator, outputs }: OperatorAccess,
  name: string,
  bytes: Uint8Array,
): Promise<RegisteredPackage | undefined> {
  const index = await operator.functionIndex(outputs.stateBucket, name);
  const digest = packageDigest(bytes);
  if (index?.versions[index.latest]?.manifest.digest !== digest) return undefined;
  return { name, version: index.latest, digest, changed: false };
}

/** A refusal that may pass is no answer before Lambda has tried again in vain. */
async function settled(
  { operator }: OperatorAccess,
  upload: PackageUpload,
  options: RegisterOptions,
): Promise<UploadResult> {
  let last: UploadResult | undefined;
  const final = async (): Promise<UploadResult | undefined> => {
    last = await operator.uploadResult(upload);
    if (last?.status === 'refused' && EdgeError.fromJSON(last.error).retryable) return undefined;
    return last;
  };
  try {
    return await poll(upload.key, { timeoutMs: REGISTRY_MS, ...options }, final);
  } catch (error) {
    if (last !== undefined) return last;
    throw silentRegistry(upload, error);
  }
}

function silentRegistry({ key }: PackageUpload, cause: unknown): unknown {
  if (!(cause instanceof EdgeError) || cause.code !== 'TIMED_OUT') return cause;
  return new EdgeError('TIMED_OUT', `the registry does not answer for ${key}`, {
    expected: 'createFunction registers what is uploaded: read its log with "sls logs -f createFunction"',
    cause,
  });
}

function accepted(results: readonly { name: string; result: UploadResult }[]): RegisteredUpload[] {
  const refused = results.flatMap(({ name, result }) =>
    result.status === 'refused' ? [{ name, ...result }] : [],
  );
  const first = refused[0];
  if (first !== undefined) throw refusal(first, refused);
  return results.flatMap(({ result }) => (result.status === 'registered' ? [result] : []));
}

function refusal(first: Refusal, all: readonly (Refusal & { name: string })[]): EdgeError {
  const lines = all.map(({ name, error }) => `${name}: ${error.message} (${error.code})`);
  const { code, field, expected } = EdgeError.fromJSON(first.error);
  return new EdgeError(code, `the registry refused ${lines.join('; ')}`, {
    ...(field === undefined ? {} : { field }),
    ...(expected === undefined ? {} : { expected }),
    details: { refused: all.map(({ name, error }) => ({ name, ...error })) },
  });
}
