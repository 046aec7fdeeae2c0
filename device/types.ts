import type { EdgeError } from '../protocol/errors';

/** The public types. Kept free of zod, so that a device installs nothing but the client and the SDK. */

/** Where a call runs. `any`: on the edge if the function is ready there, in the cloud otherwise. */
export type InvokeLocation = 'edge' | 'cloud' | 'any';

/** An edge core's address that is known beforehand. */
export interface EndpointOptions {
  host: string;
  port: number;
  /** PEM or path of the authority that signed the edge's certificate. Default: the option `ca`. */
  ca?: string;
}

/** Where to ask which edge cores this device may use: Greengrass discovery, over mutual TLS. */
export type DiscoveryOptions = ({ url: string } | { host: string; port: number }) & {
  /** PEM or path of the authority that signed the discovery server's certificate. Default: the option `ca`. */
  ca?: string;
};

interface CommonConnectOptions {
  /** The device's name; must be the one that its certificate was registered with. */
  thingName: string;
  /** PEM or path of the device's certificate. */
  certificate: string;
  /** PEM or path of its private key, unencrypted. */
  privateKey: string;
  /** PEM or path of the authority of the server that is contacted first. Default: the system's authorities. */
  ca?: string;
  /** Prefix of the device topics. Default: `edge`. */
  prefix?: string;
  /** Seconds between signs of life on an idle connection. Default: 30. */
  keepAlive?: number;
  /** Milliseconds for discovery, connecting and joining together. Default: 15,000. */
  timeout?: number;
  /** Gives up connecting. The client that was connected does not look at it any more. */
  signal?: AbortSignal;
}

/** Exactly one of `discovery` and `endpoint`. */
export type ConnectOptions = CommonConnectOptions &
  (
    | { discovery: DiscoveryOptions; endpoint?: undefined }
    | { endpoint: EndpointOptions; discovery?: undefined }
  );

export interface RequestOptions {
  /** Milliseconds until TIMED_OUT, over all retries and reconnects. */
  timeout?: number;
  /** Rejects with ABORTED. */
  signal?: AbortSignal;
}

/** What happens to a function on its way to the edge, in this order; steps may be left out. */
export type ProgressStage = 'validating' | 'confirmed' | 'stored' | 'deploying' | 'fetching' | 'starting';

export interface Progress {
  stage: ProgressStage;
  function: string;
}

export interface DeployOptions extends RequestOptions {
  /** Exact version or semver range. Default: the latest. */
  version?: string;
  onProgress?: (progress: Progress) => void;
}

export interface SendOptions extends RequestOptions {
  version?: string;
}

export interface Sent {
  /** Names the call in an event `failed`. */
  requestId: string;
}

export interface PrefetchOptions extends RequestOptions {
  version?: string;
}

export interface Prefetched {
  function: string;
  version: string;
  /** Bytes of the package. */
  size: number;
}

/** How a call was served. */
export interface InvokeReport {
  requestId: string;
  function: string;
  version: string;
  location: 'edge' | 'cloud';
  /** Milliseconds that the function took. */
  durationMs: number;
}

export interface HandleInvokeOptions extends RequestOptions {
  /** Default: `edge`. */
  location?: InvokeLocation;
  /** Called before the result is returned, with where and how long it ran. */
  onReport?: (report: InvokeReport) => void;
}

export interface InvokeOptions extends HandleInvokeOptions {
  version?: string;
}

/** Gets what a function published: JSON, and the topic below `<prefix>/shared/`. */
export type SharedListener = (payload: unknown, topic: string) => void;

export interface Subscription {
  /** As it was subscribed to. */
  readonly topic: string;
  /** The listener is not called any more. */
  close(): Promise<void>;
}

/** What an edge says about itself, retained on `<prefix>/status`. */
export interface EdgeStatus {
  state: 'starting' | 'ready' | 'reconciling' | 'stopping' | 'offline';
  /** Revision of the group definition that runs. */
  revision: number;
  /** Thing name of the edge core. */
  edge: string;
}

export interface ConnectedCore {
  /** Thing name of the edge core. */
  name: string;
  host: string;
  port: number;
}

/** A failure that no promise can report: that of an asynchronous call, or of an unreadable message. */
export interface Failure {
  /** As `send` returned it, where the edge could tell. */
  requestId?: string;
  function?: string;
  error: EdgeError;
}

export interface EdgeClientEvents {
  status: [status: EdgeStatus];
  /** The client reconnects by itself; requests wait for it until their timeout. */
  disconnected: [error: EdgeError];
  reconnected: [core: ConnectedCore];
  failed: [failure: Failure];
}
