import type { CorePlatform } from './platform';

interface PlatformEntry {
  /** The engine whose groups have cores of this platform, unless an operator says otherwise. */
  engine: string;
  /** Options of `sls edge core init` that this platform alone has, with their usage. */
  options?: Record<string, string>;
  /** When it is asked for: the SDK's clients would slow down every start of the framework. */
  load: () => Promise<CorePlatform>;
}

/** Every platform by the name that `--platform` takes. */
export const CORE_PLATFORMS: Record<string, PlatformEntry> = {
  standalone: {
    engine: 'direct',
    load: async () => (await import('./standalone/platform')).standalone,
  },
  greengrassv2: {
    engine: 'greengrassv2',
    options: {
      certificate: 'certificate id of a core device that has several',
      devices: "broker (the core's own, default) or pubsub (Greengrass's broker)",
      'server-dir': 'folder of server.pem and server.key on the node',
    },
    load: async () => (await import('./greengrass/platform')).greengrass,
  },
  greengrass: {
    engine: 'greengrass',
    load: async () => (await import('./greengrassV1/platform')).greengrassV1,
  },
};

/** The name of the platform that an engine's cores have, which may be one that there is not. */
export function platformOfEngine(engine: string): string {
  return Object.entries(CORE_PLATFORMS).find(([, entry]) => entry.engine === engine)?.[0] ?? engine;
}
