import type { GroupDefinition } from '../../protocol';
import type { OperatorAccess } from '../groups/changeGroup';
import type { Listener } from '../groups/listener';
import type { ThingFiles } from '../things/thingFiles';

/**
 * What a core runs on: nothing but Node.js, or some Greengrass. Each platform is a folder beside this file
 * and an entry of `CORE_PLATFORMS`.
 */
export interface CorePlatform {
  /** What the platform adds to the common trip of `initialiseCore`. Throws BAD_REQUEST for a bad option. */
  steps(given: GivenOptions, serviceDir: string): CoreSteps;
  /** Absent where a core leaves nothing in the cloud but its certificate and its thing. */
  removal?: () => PlatformRemoval;
}

/** The value of an option of `sls edge core init`, by its name without dashes. */
export type GivenOptions = (name: string) => string | undefined;

export interface CoreSteps {
  /** Devices find the core by the discovery of AWS, which has to be told who they are. */
  usesDiscovery: boolean;
  /** The certificate of a node that somebody else has set up already; it is kept. */
  existing?: (access: OperatorAccess, core: string) => Promise<{ certificateId: string } | undefined>;
  /** Brings what the core needs into its folder and into the cloud, before the group's definition names it. */
  prepare: (trip: CoreTrip) => Promise<PreparedCore>;
}

export interface CoreInitOptions {
  group: string;
  /** Thing name of the core. */
  core: string;
  /** What is copied to the node. Made if need be; what is in it already is kept where it still holds. */
  out: string;
  /** Names and addresses by which devices reach the node; none: this machine alone. */
  hosts: readonly string[];
  port: number;
  /** Another node has a certificate as the core of this group; it is cut off. */
  replace: boolean;
  region: string;
  /** Folder of the authority that signs the server certificates of this service's edges. Stays here. */
  authorityDir: string;
  /** Folder with the bundles of the edge core. */
  bundles: string;
  /** PEM of the authority of the cloud's servers; absent: those that the node's Node.js trusts. */
  cloudCa?: string;
  /** Where the core tells its address for discovery. */
  connectivityUrl: string;
}

export interface CoreIdentity {
  certificateId: string;
  /** The core's credentials in its folder; absent where `existing` found its certificate. */
  files?: ThingFiles;
}

export interface CoreTrip extends CoreIdentity {
  access: OperatorAccess;
  options: CoreInitOptions;
  /** As it was before. */
  definition: GroupDefinition;
}

export interface PreparedCore {
  /** Where devices connect to the core's own broker; absent where they find another one by discovery. */
  listener?: Listener;
  /** What an operator is told: fields of a JSON document, and lines of text. */
  facts: object;
  lines: readonly string[];
  warnings?: readonly string[];
}

/** Takes away what cores of one platform leave in the cloud. The steps are called in this order, once each. */
export interface PlatformRemoval {
  /** While cores still have their certificates, so that those that are online take part. */
  beforeCertificates?: (access: OperatorAccess, progress: Progress) => Promise<void>;
  /** `things`: names of the things that were deleted. */
  afterThings?: (access: OperatorAccess, things: readonly string[]) => Promise<void>;
  /** Without stored definitions, from which performDeployment could make something again. */
  afterBuckets?: (access: OperatorAccess, progress: Progress) => Promise<void>;
  report: () => PlatformRemovalReport;
}

type Progress = (text: string) => void;

export interface PlatformRemovalReport {
  /** Phrases such as `3 component versions`. */
  removed: string[];
  /** What stays, and what went wrong without keeping anything else from being removed. */
  warnings: string[];
}

export const HOLDS_KEYS = 'The folder holds private keys.';

/** The first line about a core that is ours. */
export function coreHeadline({ options: { out, core, group }, certificateId }: CoreTrip): string {
  return `${out} is the edge core ${core} of group ${group} (certificate ${certificateId.slice(0, 8)}…).`;
}
