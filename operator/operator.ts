import { setTimeout as delay } from 'node:timers/promises';
import {
  BatchAssociateClientDeviceWithCoreDeviceCommand,
  GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreateThingCommand,
  IoTClient,
  ListThingPrincipalsCommand,
  ListThingsCommand,
} from '@aws-sdk/client-iot';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
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

/** A thing with its certificate and key, both PEM. */
export interface ProvisionedThing {
  thingName: string;
  certificatePem: string;
  privateKeyPem: string;
  certificateId: string;
}

export interface Upload {
  bucket: string;
  key: string;
  etag: string;
}

export interface PollOptions {
  /** 60,000 unless told. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What an operator does by hand or in a pipeline, through the AWS SDK alone. */
export interface Operator {
  /** Creates the thing if need be, a certificate for it, and attaches both and the policy. */
  provisionThing(request: { thingName: string; policyName: string }): Promise<ProvisionedThing>;
  /** Ids of the certificates that are attached to the thing; none when there is no such thing. */
  certificatesOf(thingName: string): Promise<string[]>;
  thingNames(): Promise<string[]>;
  uploadPackage(bucket: string, name: string, bytes: Uint8Array): Promise<Upload>;
  /** What became of exactly this upload. Throws EdgeError TIMED_OUT. */
  waitForResult(upload: Upload, options?: PollOptions): Promise<UploadResult>;
  /** Stores the update; the cloud does the rest. A request id that was used already is no error. */
  submitUpdate(bucket: string, update: StoredUpdate): Promise<void>;
  functionIndex(bucket: string, functionName: string): Promise<FunctionIndex | undefined>;
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
  close(): void;
}

/** The variables of `cloud.environment()`, as the SDK itself would read them. */
export type OperatorEnvironment = Record<string, string>;

const POLL_INTERVAL_MS = 25;
const DEFAULT_POLL_MS = 60_000;

export function createOperator(environment: OperatorEnvironment): Operator {
  const clients = createClients(environment);
  const { s3 } = clients;
  return {
    ...thingOperations(clients.iot),
    ...associations(clients.greengrass),
    async uploadPackage(bucket, name, bytes) {
      const key = `${UPLOAD_PREFIX}${name}${UPLOAD_SUFFIX}`;
      // The same content has the same ETag: an earlier result must not pass for that of this upload.
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: keys.uploadResult(key) }));
      const { ETag } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
      return { bucket, key, etag: unquoted(ETag) };
    },
    waitForResult: ({ bucket, key, etag }, options) =>
      poll(`the result of ${key}`, options, async () => {
        const text = await readObject(s3, bucket, keys.uploadResult(key));
        if (text === undefined) return undefined;
        const result = parseJsonWith(uploadResultSchema, text, 'upload result');
        return unquoted(result.etag) === etag ? result : undefined;
      }),
    async submitUpdate(bucket, update) {
      const Key = keys.request(update.group, update.requestId);
      try {
        await s3.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key,
            Body: JSON.stringify(update),
            ContentType: 'application/json',
            IfNoneMatch: '*',
          }),
        );
      } catch (error) {
        if (statusOf(error) !== 412) throw error;
      }
    },
    async functionIndex(bucket, functionName) {
      const text = await readObject(s3, bucket, keys.functionIndex(functionName));
      return text === undefined ? undefined : parseJsonWith(functionIndexSchema, text, 'function index');
    },
    definition: (bucket, group) => readDefinition(s3, bucket, group),
    waitForDefinition: (bucket, group, predicate, options) =>
      poll(`the definition of group ${group}`, options, async () => {
        const definition = await readDefinition(s3, bucket, group);
        return definition !== undefined && predicate(definition) ? definition : undefined;
      }),
    close() {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

function createClients(environment: OperatorEnvironment) {
  const common = {
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  };
  const at = (service: string) => {
    const endpoint = environment[`AWS_ENDPOINT_URL_${service}`];
    return endpoint === undefined ? common : { ...common, endpoint };
  };
  return {
    s3: new S3Client(at('S3')),
    iot: new IoTClient(at('IOT')),
    greengrass: new GreengrassV2Client(at('GREENGRASSV2')),
  };
}

function thingOperations(iot: IoTClient): Pick<Operator, 'provisionThing' | 'certificatesOf' | 'thingNames'> {
  return {
    async provisionThing({ thingName, policyName }) {
      await iot.send(new CreateThingCommand({ thingName }));
      const { certificateArn, certificateId, certificatePem, keyPair } = await iot.send(
        new CreateKeysAndCertificateCommand({ setAsActive: true }),
      );
      const privateKeyPem = keyPair?.PrivateKey;
      if (!certificateArn || !certificateId || !certificatePem || !privateKeyPem) {
        throw new EdgeError('CLOUD_ERROR', `no certificate was issued for ${thingName}`);
      }
      await iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }));
      await iot.send(new AttachPolicyCommand({ policyName, target: certificateArn }));
      return { thingName, certificatePem, privateKeyPem, certificateId };
    },
    async certificatesOf(thingName) {
      try {
        const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
        return principals.map((arn) => arn.slice(arn.lastIndexOf('/') + 1));
      } catch (error) {
        if (statusOf(error) === 404) return [];
        throw error;
      }
    },
    async thingNames() {
      const names: string[] = [];
      let nextToken: string | undefined;
      do {
        const page = await iot.send(new ListThingsCommand({ nextToken }));
        names.push(...(page.things ?? []).flatMap(({ thingName }) => thingName ?? []));
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return names;
    },
  };
}

function associations(greengrass: GreengrassV2Client): Pick<Operator, 'associateDevices'> {
  return {
    async associateDevices(core, devices) {
      if (devices.length === 0) return;
      const { errorEntries = [] } = await greengrass.send(
        new BatchAssociateClientDeviceWithCoreDeviceCommand({
          coreDeviceThingName: core,
          entries: devices.map((thingName) => ({ thingName })),
        }),
      );
      if (errorEntries.length === 0) return;
      const reasons = errorEntries.map(({ thingName, message }) => `${thingName}: ${message}`).join('; ');
      throw new EdgeError('CLOUD_ERROR', `not associated with ${core}: ${reasons}`);
    },
  };
}

async function readDefinition(s3: S3Client, bucket: string, group: string) {
  const text = await readObject(s3, bucket, keys.definition(group));
  return text === undefined ? undefined : parseJsonWith(groupDefinitionSchema, text, 'group definition');
}

async function readObject(s3: S3Client, Bucket: string, Key: string): Promise<string | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return await Body?.transformToString();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function poll<T>(
  what: string,
  { timeoutMs = DEFAULT_POLL_MS, signal }: PollOptions = {},
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const found = await attempt();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new EdgeError('TIMED_OUT', `${what} did not appear within ${timeoutMs} ms`);
    }
    await delay(POLL_INTERVAL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}
