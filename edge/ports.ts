import type {
  CloudInvokeRequest,
  CloudInvokeResponse,
  CoreLogs,
  CoreStatus,
  CoreUpdate,
  DeviceResponse,
  EdgeError,
  EdgeStatusMessage,
  ErrorBody,
  FunctionManifest,
  GroupDefinition,
  PackageLocation,
  Reply,
  ReplyMessage,
  RevisionNotice,
  ValidateRequest,
  ValidateResponse,
  WantedFunction,
} from '../protocol';
import type { GroupLimits } from './definition/functions/limits';
import type { FunctionOutcome } from '../runtime/types';

/** What the edge system functions need from the world around them. */

/** The cloud's HTTP routes. Every method throws EdgeError: the cloud's own code, or CLOUD_UNREACHABLE. */
export interface Cloud {
  validate(functionName: string, request: ValidateRequest): Promise<ValidateResponse>;
  /** `unchanged` when the cloud still has `etag`. */
  definition(etag?: string): Promise<{ definition: GroupDefinition; etag: string } | 'unchanged'>;
  locate(digest: string): Promise<PackageLocation>;
  download(location: PackageLocation): Promise<Buffer>;
  /** Throws UNKNOWN_DEVICE. */
  device(certificateId: string): Promise<DeviceResponse>;
  invoke(functionName: string, request: CloudInvokeRequest, timeoutMs: number): Promise<CloudInvokeResponse>;
}

/** So long a stop waits for a last word to the cloud: a link that swallows it must not hold up the stop. */
export const LAST_WORD_MS = 2_000;

/** HTTP APIs answer within 30 s or not at all. */
export const CLOUD_TIMEOUT_MS = 30_000;

/** The core's MQTT connection to the cloud. */
export interface Upstream {
  readonly connected: boolean;
  sendUpdate(update: CoreUpdate): Promise<void>;
  sendStatus(status: CoreStatus): Promise<void>;
  /** Absent where the core's platform has its logs collected otherwise. */
  sendLogs?(logs: CoreLogs): Promise<void>;
  /** Somebody waits for the connection: where it pauses between attempts, it tries at once. */
  hurry?(): void;
  on(event: 'connected', listener: () => void): void;
  on(event: 'revision', listener: (notice: RevisionNotice) => void): void;
  on(event: 'accepted', listener: (message: { requestId: string }) => void): void;
  on(event: 'refused', listener: (message: { requestId?: string; error: ErrorBody }) => void): void;
  close(): Promise<void>;
}

/** The way back to devices, over the core's own broker. */
export interface Devices {
  reply<K extends Reply>(device: string, kind: K, message: ReplyMessage<K>): void;
  announce(status: EdgeStatusMessage): void;
  /** To every device that subscribes to `topic`, a whole one; `payload` is JSON text. */
  share(topic: string, payload: string): void;
  /** Closes the connections of devices that the definition no longer admits. */
  enforceAdmission(): void;
}

export type FunctionState = 'fetching' | 'starting' | 'running' | 'failed';

export interface LocalFunction {
  key: string;
  manifest: FunctionManifest;
  state: FunctionState;
  error?: ErrorBody;
  /** It failed because nobody brings it here: the version is not to blame, and it runs when it comes. */
  undelivered?: true;
}

/** The functions on this edge: brings what runs to what should run, and calls it. */
export interface LocalFunctions {
  /**
   * Sets the target and works towards it; resolves when every step is done or has failed. A call
   * while another is at work supersedes its target. One function's failure stops no other.
   * `limits`: those of the group's definition; absent, the ones in force stay.
   */
  reconcile(target: readonly WantedFunction[], limits?: GroupLimits): Promise<void>;
  /** Whoever delivers functions does not bring what is missing: it has failed for now. */
  undelivered(error: EdgeError): void;
  /** Starts fetching ahead of the definition. Repeated calls share one download. */
  prefetch(manifest: FunctionManifest, location: PackageLocation): Promise<void>;
  list(): LocalFunction[];
  get(key: string): LocalFunction | undefined;
  invoke(
    key: string,
    /** `hops`: how many functions stand between the device and this call. */
    call: { requestId: string; event: unknown; device: string; hops?: number; timeoutMs?: number },
  ): Promise<FunctionOutcome>;
  /** After each change of a function's state. */
  on(event: 'changed', listener: (changed: LocalFunction) => void): void;
  close(): Promise<void>;
}

/** All of a core's ways to the cloud, which share credentials and connections. */
export interface CloudConnection {
  cloud: Cloud;
  upstream: Upstream;
  /** Tells where the core listens, if the configuration names a control plane. */
  announce: (port: number) => void;
  close: () => Promise<void>;
}
