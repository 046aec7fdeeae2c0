import { EdgeError } from './errors';
import type { FunctionManifest, Platform } from './manifest';
import { satisfies } from './versions';

/** Throws PLATFORM_NOT_SUPPORTED when `platform` lacks what the function requires. */
export function requirePlatform(manifest: FunctionManifest, platform: Platform): void {
  const { node, architectures } = manifest.requires;
  if (node !== undefined && !satisfies(platform.node, node)) {
    throw new EdgeError(
      'PLATFORM_NOT_SUPPORTED',
      `${manifest.name} requires Node ${node}, this edge has ${platform.node}`,
      {
        field: 'requires.node',
        expected: node,
      },
    );
  }
  if (architectures !== undefined && !(architectures as string[]).includes(platform.architecture)) {
    throw new EdgeError(
      'PLATFORM_NOT_SUPPORTED',
      `${manifest.name} requires ${architectures.join(' or ')}, this edge is ${platform.architecture}`,
      { field: 'requires.architectures', expected: architectures.join(' or ') },
    );
  }
}
