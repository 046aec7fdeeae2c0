import {
  BatchAssociateClientDeviceWithCoreDeviceCommand,
  BatchDisassociateClientDeviceFromCoreDeviceCommand,
} from '@aws-sdk/client-greengrassv2';
import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  EdgeError,
  functionIndexSchema,
  groupDefinitionSchema,
  keys,
  parseJsonWith,
  UPLOAD_PREFIX,
  UPLOAD_SUFFIX,
  uploadResultSchema,
  type FunctionIndex,
  type GroupDefinition,
  type StoredUpdate,
  type UploadResult,
} from '../protocol';
import {
  configOfEnvironment,
  createClients,
  type OperatorClients,
  type OperatorConfig,
  type OperatorEnvironment,
} from './clients';
import { statusOf, unquoted } from '../lib/awsErrors';
import { listFolders, readText } from './objects';
import { poll, type PollOptions } from './poll';
import { thingOperations, type ThingOperations } from './things/things';

export type { OperatorConfig, OperatorEnvironment } from './clients';
export type { ProvisionedThing } from './things/things';

export interface PackageUpload {
  bucket: string;
  key: string;
  etag: string;
}

/** What an operator does by hand or in a pipeline, through the AWS SDK alone. */
export interface Operator extends ThingOperations {
  readonly clients: OperatorClients;
  /** For the clients that only a few operations need. */
  readonly config: OperatorConfig;
  uploadPackage(bucket: string, name: string, bytes: Uint8Array): Promise<PackageUpload>;
  /** What became of exactly this upload, or undefined so far. */
  uploadResult(upload: PackageUpload): Promise<UploadResult | undefined>;
  /** What became of exactly this upload. Throws EdgeError TIMED_OUT. */
  waitForResult(upload: PackageUpload, options?: PollOptions): Promise<UploadResult>;
  /** Stores the update; the cloud does the rest. A request id that was used already is no error. */
  submitUpdate(bucket: string, update: StoredUpdate): Promise<void>;
  functionIndex(bucket: string, functionName: string): Promise<FunctionIndex | undefined>;
  /** Names of all functions in the registry. */
  functionNames(bucket: string): Promise<string[]>;
  groupNames(bucket: string): Promise<string[]>;
  definition(bucket: string, group: string): Promise<GroupDefinition | undefined>;
  /** Throws EdgeError TIMED_OUT. */
  waitForDefinition(
    bucket: string,
    group: string,
    predicate: (definition: GroupDefinition) => boolean,
    options?: PollOptions,
  ): Promise<GroupDefinition>;
  /** Lets devices discover the core. Throws EdgeError CLOUD_ERROR naming those that could not be associated. */
  associateDevices(core: string, devices: readonly string[]): Promise<void>;
  /** The device finds the core no more; one that did not find it before is no error. */
  disassociateDevice(core: string, device: string): Promise<void>;
  close(): void;
}

export function createOperator(environment: OperatorEnvironment): Operator {
  return createOperatorWith(configOfEnvironment(environment));
}

export function createOperatorWith(config: OperatorConfig): Operator {
  const clients = createClients(config);
  return {
    clients,
    config,
    ...thingOperations(clients.iot),
    ...uploads(clients.s3),
    ...documents(clients.s3),
    associateDevices: (core, devices) => associate(clients.greengrass, core, devices),
    async disassociateDevice(coreDeviceThingName, thingName) {
      const entries = [{ thingName }];
      await clients.greengrass.send(
        new BatchDisassociateClientDeviceFromCoreDeviceCommand({ coreDeviceThingName, entries }),
      );
    },
    close() {
      for (const client of Object.values(clients) as { destroy(): void }[]) client.destroy();
    },
  };
}

function uploads(s3: S3Client): Pick<Operator, 'uploadPackage' | 'uploadResult' | 'waitForResult'> {
  const uploadResult = async ({ bucket, key, etag }: PackageUpload): Promise<UploadResult | undefined> => {
    const text = await readText(s3, bucket, keys.uploadResult(key));
    if (text === undefined) return undefined;
    const result = parseJsonWith(uploadResultSchema, text, 'upload result');
    return unquoted(result.etag) === etag ? result : undefined;
  };
  return {
    async uploadPackage(bucket, name, bytes) {
      const key = `${UPLOAD_PREFIX}${name}${UPLOAD_SUFFIX}`;
      // The same content has the same ETag: an earlier result must not pass for that of this upload.
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: keys.uploadResult(key) }));
      const { ETag } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
      return { bucket, key, etag: unquoted(ETag ?? '') };
    },
    uploadResult,
    waitForResult: (upload, options) =>
      poll(`the result of ${upload.key}`, options, () => uploadResult(upload)),
  };
}

function documents(
  s3: S3Client,
): Pick<
  Operator,
  'submitUpdate' | 'functionIndex' | 'functionNames' | 'groupNames' | 'definition' | 'waitForDefinition'
> {
  const definition = async (bucket: string, group: string): Promise<GroupDefinition | undefined> => {
    const text = await readText(s3, bucket, keys.definition(group));
    return text === undefined ? undefined : parseJsonWith(groupDefinitionSchema, text, 'group definition');
  };
  return {
    submitUpdate: (bucket, update) => submit(s3, bucket, update),
    async functionIndex(bucket, functionName) {
      const text = await readText(s3, bucket, keys.functionIndex(functionName));
      return text === undefined ? undefined : parseJsonWith(functionIndexSchema, text, 'function index');
    },
    functionNames: (bucket) => listFolders(s3, bucket, 'registry/'),
    groupNames: (bucket) => listFolders(s3, bucket, 'groups/'),
    definition,
    waitForDefinition: (bucket, group, predicate, options) =>
      poll(`the definition of group ${group}`, options, async () => {
        const found = await definition(bucket, group);
        return found !== undefined && predicate(found) ? found : undefined;
      }),
  };
}

async function submit(s3: S3Client, Bucket: string, update: StoredUpdate): Promise<void> {
  const Key = keys.request(update.group, update.requestId);
  const Body = JSON.stringify(update);
  try {
    await s3.send(
      new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/json', IfNoneMatch: '*' }),
    );
  } catch (error) {
    if (statusOf(error) !== 412) throw error;
  }
}

/** The most that one call may name. */
const ASSOCIATIONS = 100;

async function associate(
  greengrass: OperatorClients['greengrass'],
  core: string,
  devices: readonly string[],
): Promise<void> {
  for (let at = 0; at < devices.length; at += ASSOCIATIONS) {
    const entries = devices.slice(at, at + ASSOCIATIONS).map((thingName) => ({ thingName }));
    const { errorEntries = [] } = await greengrass.send(
      new BatchAssociateClientDeviceWithCoreDeviceCommand({ coreDeviceThingName: core, entries }),
    );
    if (errorEntries.length === 0) continue;
    const reasons = errorEntries.map(({ thingName, message }) => `${thingName}: ${message}`).join('; ');
    throw new EdgeError('CLOUD_ERROR', `not associated with ${core}: ${reasons}`);
  }
}
