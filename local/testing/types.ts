// The types of `serverless-edge-on-demand/local`. Free of imports: scripts/types.mjs publishes this text.

/** Where the service comes from. */
export interface LocalServiceOptions {
  /** Folder of `serverless.yml`. Default: the working directory. */
  serviceDir?: string;
  stage?: string;
  /** Values of `${param:…}` in the service's configuration, when it is packaged now. */
  params?: Record<string, string>;
  /**
   * What `packageService` or `sls package --package <folder>` left there. Default: the service is packaged
   * now, which takes the framework some seconds.
   */
  packageDir?: string;
}

export interface PackageServiceOptions {
  /** Folder of `serverless.yml`. */
  serviceDir: string;
  stage?: string;
  /** Values of `${param:…}` in the service's configuration. */
  params?: Record<string, string>;
  /** Where the package goes. Default: `.serverless` of the service. */
  packageDir?: string;
}

/** Files of a device that was provisioned: paths of PEM files. */
export interface DeviceFiles {
  thingName: string;
  certificate: string;
  privateKey: string;
  ca: string;
}

/** What `EdgeClient.connect` of serverless-edge-on-demand-device takes. */
export interface DeviceOptions extends DeviceFiles {
  discovery: { url: string };
  prefix: string;
}

/** As in `edge.json`; memory in MiB, timeout in seconds. */
export interface FunctionSettings {
  /** Exact version. Default: 1.0.0, and the next patch number whenever the content changes. */
  version?: string;
  /** Default: `index.handler`. */
  handler?: string;
  /** Default: on edges. */
  locations?: ('edge' | 'cloud')[];
  memory?: number;
  timeout?: number;
  /** Most instances at once on one edge. */
  instances?: number;
  /** Keeps one instance running for good. */
  pinned?: boolean;
  environment?: Record<string, string>;
  /** Which devices may use it: thing names, `*` and `?` are wildcards. Default: all. */
  devices?: string[];
  /** Topics below `<prefix>/shared/` that it may publish to. */
  publishes?: string[];
  /** Functions that it may call. */
  invokes?: string[];
}

/** A service deployed to a cloud on 127.0.0.1, on free ports, with its state in a temporary folder. */
export interface LocalService {
  /** Variables that point the AWS SDK and CLI at this cloud. */
  readonly variables: Readonly<Record<string, string>>;
  /** The edges' way to the cloud. */
  readonly uplink: Uplink;
  /**
   * Starts the edge core of a group, in a process of its own; resolves when devices can connect. Without a
   * name that of the only group. Started again after `stop` or `kill`, it has the state that it had.
   * Rejects with GROUP_NOT_FOUND.
   */
  startEdge(group?: string, options?: LocalEdgeOptions): Promise<LocalEdge>;
  /** A device in a process of its own, which has found its edge and joined. It runs the real device client. */
  connectDevice(thingName: string): Promise<LocalDevice>;
  /** Makes a device that `serverless.yml` does not name, and adds it to the group. */
  addDevice(thingName: string, group: string): Promise<DeviceFiles>;
  /** For a program of your own. Rejects with NOT_FOUND for a device that was never made. */
  deviceOptions(thingName: string): Promise<DeviceOptions>;
  /**
   * Registers a function, so that devices can ask for it: the source of one CommonJS module that exports
   * `handler`, or several files by their names. Rejects with the code that it was refused for.
   */
  registerFunction(
    name: string,
    source: string | Record<string, string>,
    settings?: FunctionSettings,
  ): Promise<{ version: string }>;
  /** Ends the devices, the edges and the cloud, and removes the folder. */
  close(): Promise<void>;
}

export interface LocalEdgeOptions {
  /** Port for devices. Default: a free one. */
  port?: number;
  /** Every line of the core's log, as JSON text; what functions print is among them. */
  onLine?: (line: string) => void;
}

export interface LocalEdge {
  readonly group: string;
  /** Thing name of the core. */
  readonly core: string;
  /** Where devices connect. */
  readonly host: string;
  readonly port: number;
  /** Ends the core in order. */
  stop(): Promise<unknown>;
  /** Ends the process of the core as a power cut would. */
  kill(): Promise<unknown>;
}

/**
 * All that edge cores say to the cloud and hear from it. Devices and operators go past it, and so does an
 * edge on Greengrass: once one was started, every method but `mend` throws UNSUPPORTED.
 */
export interface Uplink {
  /** Every connection ends, and none can be made. */
  cut(): void;
  /** Connections stay and can be made, but nothing gets through until it is mended; then all of it does. */
  silence(): void;
  /** Everything takes so many milliseconds longer, in each direction. */
  slow(ms: number): void;
  /** As if nothing had been. */
  mend(): void;
}

/** Every method rejects with an error that has a `code` (docs/errors.md), `message` and `action`. */
export interface LocalDevice {
  /** The stages that deployments went through, in order. */
  readonly progress: readonly { name: string; stage: string }[];
  /** Brings the function to the edge if need be. `timeout` in milliseconds. */
  deploy(
    name: string,
    options?: { version?: string; timeout?: number },
  ): Promise<{ name: string; version: string }>;
  /** The result. Default of `location`: `edge`. */
  invoke(
    name: string,
    input?: unknown,
    options?: { version?: string; location?: 'edge' | 'cloud' | 'any'; timeout?: number },
  ): Promise<unknown>;
  /** Asynchronous, the result discarded. Only of a function that this device has deployed. */
  send(name: string, input?: unknown): Promise<{ requestId: string }>;
  /** Why that `send` failed: it is known already, or is waited for. */
  failureOf(requestId: string): Promise<Error>;
  /** Gives the function back: the device needs it no more. */
  release(name: string): Promise<unknown>;
  /** Listens to what functions publish. */
  subscribe(topic: string): Promise<unknown>;
  /** The first payload that comes on this topic, or came already. */
  heard(topic: string): Promise<unknown>;
  /** Ends the process of the device. */
  close(): Promise<void>;
}

/**
 * Packages the service, deploys it to a cloud of its own and sets its groups up; no edge runs yet. Rejects
 * with the error of the step that failed; then nothing is left running.
 */
export declare function startLocalService(options?: LocalServiceOptions): Promise<LocalService>;

/**
 * Runs `serverless package`, once for several tests: in the global set-up of jest or vitest, say.
 * Rejects with BAD_REQUEST and the last lines of the framework.
 */
export declare function packageService(options: PackageServiceOptions): Promise<unknown>;
