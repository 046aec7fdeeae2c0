import {
  EdgeError,
  functionManifestSchema,
  UPLOAD_PREFIX,
  UPLOAD_SUFFIX,
  type FunctionConfig,
} from '../../protocol';
import { unquoted } from '../../lib/awsErrors';
import { packageDigest } from '../../protocol/functionPackage';
import { checkPackage } from './checkPackage';
import type { CloudPublisher, CloudTarget, Log, Upload, Uploads } from '../ports';
import type { UploadedVersion } from '../registry/decideVersion';
import {
  promoteLatest,
  registerFunction,
  type Registered,
  type RegisterPorts,
} from '../registry/registerFunction';
import { s3Records, type S3EventRecord } from '../lambda/s3Events';

export interface CreateFunctionPorts extends RegisterPorts {
  uploads: Uploads;
  cloud: CloudPublisher;
  /** Whether functions of every location get a version on Lambda: engine greengrass deploys those. */
  publishesAll?: boolean;
  log: Log;
}

/**
 * System function: registers the function packages that an S3 event names.
 *
 * Each record is a wake-up: the object is read as it is now, so a late event for content that was
 * overwritten registers the newer content; across keys the youngest upload is the latest (see
 * decideVersion). What became of an upload is written to `results/`. A refusal ends there; a fault
 * (an SDK error, CONFLICT) is thrown as well once the result says so, and Lambda calls again.
 */
export async function createFunction(event: unknown, ports: CreateFunctionPorts): Promise<void> {
  const records = s3Records(event).filter(({ key }) => isUpload(key));
  const outcomes = await Promise.allSettled(records.map((record) => handleUpload(record, ports)));
  const faults = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  if (faults.length === 1) throw faults[0];
  if (faults.length > 1) throw new AggregateError(faults, `${faults.length} uploads failed`);
}

function isUpload(key: string): boolean {
  return key.startsWith(UPLOAD_PREFIX) && key.endsWith(UPLOAD_SUFFIX);
}

async function handleUpload(record: S3EventRecord, ports: CreateFunctionPorts): Promise<void> {
  const { uploads, clock, log } = ports;
  const { key } = record;
  let etag = record.etag ?? '';
  const about = () => ({ upload: key, etag, at: new Date(clock.now()).toISOString() });
  try {
    const upload = await uploads.readUpload(key);
    if (upload === undefined) {
      log.warn({ upload: key }, 'the upload is gone');
      return;
    }
    etag = upload.etag;
    const { manifest, changed } = await register(upload, uploadTime(record, upload), ports);
    const { name, version, digest } = manifest;
    await uploads.putResult({ status: 'registered', ...about(), name, version, digest, changed });
    log.info({ upload: key, function: name, version, changed }, 'registered');
  } catch (thrown) {
    const error = EdgeError.from(thrown, 'CLOUD_ERROR');
    await uploads.putResult({ status: 'refused', ...about(), error: error.toJSON() });
    log.warn({ upload: key, error: error.toJSON() }, 'refused');
    if (error.retryable) throw thrown;
  }
}

/** An event tells its time to the millisecond; Last-Modified only to the second. */
function uploadTime(record: S3EventRecord, upload: Upload): string {
  const sameContent = record.etag !== undefined && record.etag === unquoted(upload.etag);
  const time = sameContent && record.at !== undefined ? record.at : upload.uploadedAt;
  return new Date(time).toISOString();
}

async function register(
  { bytes }: Upload,
  uploadedAt: string,
  ports: CreateFunctionPorts,
): Promise<Registered> {
  const { config, unpackedSize } = await checkPackage(bytes);
  const digest = packageDigest(bytes);
  const upload: UploadedVersion = {
    digest,
    uploadedAt,
    ...(config.version !== undefined && { version: config.version }),
  };
  let published: Promise<CloudTarget | undefined> | undefined;
  const registered = await registerFunction(
    config.name,
    upload,
    async (version) => {
      published ??= publish(config, bytes, digest, ports);
      const cloud = await published;
      const { version: _wanted, cloudFunction: _existing, ...rest } = config;
      const sizes = { size: bytes.length, unpackedSize };
      return functionManifestSchema.parse({ ...rest, version, digest, ...sizes, ...(cloud && { cloud }) });
    },
    ports,
  );
  await promoteLatest(config.name, ports);
  return registered;
}

/** This waits until the registry has taken the version, so that a refused one leaves nothing behind. */
async function publish(
  config: FunctionConfig,
  bytes: Buffer,
  digest: string,
  ports: CreateFunctionPorts,
): Promise<CloudTarget | undefined> {
  const target = await cloudTarget(config, bytes, digest, ports);
  await ports.uploads.store(digest, bytes);
  return target;
}

async function cloudTarget(
  config: FunctionConfig,
  bytes: Buffer,
  digest: string,
  { cloud, publishesAll = false }: CreateFunctionPorts,
): Promise<CloudTarget | undefined> {
  if (!publishesAll && !config.locations.includes('cloud')) return undefined;
  return config.cloudFunction === undefined
    ? cloud.publish(config, bytes, digest)
    : cloud.existing(config.cloudFunction, { versioned: publishesAll });
}
