import type { Platform } from '../../protocol';

/** What this edge can run. */
export const PLATFORM: Platform = {
  node: process.versions.node,
  architecture: process.arch,
  os: process.platform,
};
