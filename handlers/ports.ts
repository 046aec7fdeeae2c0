import type {
  ErrorBody,
  FunctionConfig,
  FunctionIndex,
  FunctionManifest,
  GroupDefinition,
  PackageLocation,
  RevisionNotice,
  StoredUpdate,
  UploadResult,
} from '../protocol';
import type { Deployment } from './engines/engine';

/**
 * What the cloud system functions need from the world. The functions are plain functions over these;
 * adapters over the AWS SDK live beside them, so the same logic runs on AWS, in the local cloud and
 * in a unit test. What an adapter throws that is no EdgeError is a fault of the service behind it.
 */

/** A document with the ETag that a conditional write must name. */
export interface Versioned<T> {
  value: T;
  etag: string;
}

export interface Registry {
  index(name: string): Promise<Versioned<FunctionIndex> | undefined>;
  /** False when another writer was first. `etag` undefined means "must not exist yet". */
  putIndex(index: FunctionIndex, etag: string | undefined): Promise<boolean>;
  /** Immutable: answers what that version holds now, `manifest` or what was there before it. */
  putVersion(manifest: FunctionManifest): Promise<FunctionManifest>;
}

/** The object at an upload's key as it is now. */
export interface Upload {
  bytes: Buffer;
  etag: string;
  /** ISO 8601. */
  uploadedAt: string;
}

export interface Uploads {
  /** Throws PACKAGE_TOO_LARGE before reading what is over the limit. Undefined when it is gone. */
  readUpload(key: string): Promise<Upload | undefined>;
  putResult(result: UploadResult): Promise<void>;
  /** By digest; storing the same digest again is no error. */
  store(digest: string, bytes: Buffer): Promise<void>;
}

export interface Packages {
  /** Presigned GET, short-lived. */
  locate(manifest: Pick<FunctionManifest, 'digest' | 'size'>): Promise<PackageLocation>;
}

/** `qualifier` is a Lambda version, an alias or `$LATEST`. */
export interface CloudTarget {
  functionArn: string;
  qualifier: string;
}

export interface CloudPublisher {
  /** Creates or updates the Lambda function and publishes a version of it. Idempotent. */
  publish(config: FunctionConfig, bytes: Buffer, digest: string): Promise<CloudTarget>;
  /**
   * The Lambda function that already is this one, by name or ARN; without a qualifier `$LATEST`, or a
   * version of it where `versioned` asks for one. Throws CONFIG_INVALID when there is none.
   */
  existing(nameOrArn: string, options?: { versioned?: boolean }): Promise<CloudTarget>;
  /** Points the alias `live` at a version. Does nothing for a function that `publish` did not make. */
  promote(name: string, target: CloudTarget): Promise<void>;
}

export interface CloudInvoker {
  /**
   * Throws FUNCTION_ERROR (details: errorType, errorMessage), FUNCTION_TIMED_OUT, FUNCTION_OUT_OF_MEMORY,
   * FUNCTION_EXITED, RESULT_TOO_LARGE, QUEUE_FULL, CLOUD_ERROR.
   */
  invoke(target: CloudTarget, input: unknown): Promise<unknown>;
}

export interface Definitions {
  read(group: string): Promise<Versioned<GroupDefinition> | undefined>;
  readRevision(group: string, revision: number): Promise<GroupDefinition | undefined>;
  /** Compare-and-swap of the latest; every revision stays readable. False when another was first. */
  write(definition: GroupDefinition, etag: string | undefined): Promise<boolean>;
  /** Groups that have a definition. */
  groups(): Promise<string[]>;
}

export interface PendingUpdate {
  key: string;
  update: StoredUpdate;
}

export interface Requests {
  /** A request id names one update for good: a second copy is a duplicate whatever it says. */
  store(update: StoredUpdate): Promise<'stored' | 'duplicate'>;
  /** All stored updates of the group, oldest first. What cannot be read is put aside, never returned. */
  pending(group: string): Promise<PendingUpdate[]>;
  remove(keys: readonly string[]): Promise<void>;
  /** Groups that have stored updates, for the sweep. */
  groupsWithPending(): Promise<string[]>;
}

export interface DeviceDirectory {
  /** The one thing that an active certificate is attached to (AWS IoT registry). */
  find(certificateId: string): Promise<{ thingName: string } | undefined>;
}

export interface CoreMessages {
  accepted(core: string, requestId: string): Promise<void>;
  refused(core: string, requestId: string | undefined, error: ErrorBody): Promise<void>;
}

export interface RevisionNotices {
  /** Retained on the core's topic; a notice with an error is for those who wait now, and is not. */
  announce(core: string, notice: RevisionNotice): Promise<void>;
}

export interface DeploymentRecords {
  read(group: string, revision: number): Promise<Deployment | undefined>;
  write(deployment: Deployment): Promise<void>;
}

/** Wakes performDeployment for a group; losing it is harmless, the stored update is the guarantee. */
export type DeploymentHint = (group: string) => Promise<void>;

export interface WallClock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Waits before the next try after `losses` lost races in a row (1 or more). */
export type RetryPause = (losses: number) => Promise<void>;

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
