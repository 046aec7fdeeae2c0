import type {
  ErrorBody,
  FunctionConfig,
  FunctionIndex,
  FunctionManifest,
  GroupDefinition,
  PackageLocation,
  StoredUpdate,
  UploadResult,
} from '../protocol';

/**
 * What the cloud system functions need from the world. The functions are plain functions over these;
 * adapters over the AWS SDK live beside them, so the same logic runs on AWS, in the local cloud and
 * in a unit test.
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
  /** Immutable; writing the same version again is no error. */
  putVersion(manifest: FunctionManifest): Promise<void>;
}

export interface Packages {
  /** Throws PACKAGE_TOO_LARGE before reading what is over the limit, NOT_FOUND when it is gone. */
  readUpload(key: string): Promise<{ bytes: Buffer; etag: string }>;
  putResult(result: UploadResult): Promise<void>;
  /** By digest; storing the same digest again is no error. */
  store(digest: string, bytes: Buffer): Promise<void>;
  /** Presigned GET, short-lived. */
  locate(manifest: Pick<FunctionManifest, 'digest' | 'size'>): Promise<PackageLocation>;
}

export interface CloudFunctions {
  /** Creates or updates the Lambda function, publishes a version, moves the alias. */
  publish(
    config: FunctionConfig,
    bytes: Buffer,
    digest: string,
  ): Promise<{ functionArn: string; qualifier: string }>;
  /** Throws FUNCTION_ERROR (details: errorType, errorMessage), FUNCTION_TIMED_OUT, RESULT_TOO_LARGE, CLOUD_ERROR. */
  invoke(target: { functionArn: string; qualifier: string }, input: unknown): Promise<unknown>;
}

export interface Definitions {
  read(group: string): Promise<Versioned<GroupDefinition> | undefined>;
  readRevision(group: string, revision: number): Promise<GroupDefinition | undefined>;
  /** Compare-and-swap of the latest plus an immutable copy per revision. False when another was first. */
  write(definition: GroupDefinition, etag: string | undefined): Promise<boolean>;
}

export interface PendingUpdate {
  key: string;
  update: StoredUpdate;
}

export interface Requests {
  store(update: StoredUpdate): Promise<'stored' | 'duplicate'>;
  /** All stored updates of the group, oldest first. */
  pending(group: string): Promise<PendingUpdate[]>;
  remove(keys: readonly string[]): Promise<void>;
  /** Groups that have stored updates, for the sweep. */
  groupsWithPending(): Promise<string[]>;
}

export interface DeviceDirectory {
  /** The thing that an active certificate is attached to (AWS IoT registry). */
  find(certificateId: string): Promise<{ thingName: string } | undefined>;
}

export interface CoreMessages {
  accepted(core: string, requestId: string): Promise<void>;
  refused(core: string, requestId: string | undefined, error: ErrorBody): Promise<void>;
}

/** Wakes performDeployment for a group; losing it is harmless, the stored update is the guarantee. */
export type DeploymentHint = (group: string) => Promise<void>;

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}
