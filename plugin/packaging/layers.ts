import path from 'node:path';
import { EdgeError } from '../../protocol';
import type { PackageEntry } from '../../protocol/functionPackage';
import type { FunctionDefinition, Serverless, ServerlessService } from '../framework';
import { readArtifact } from './edgePackage';

/** Layers of a function, as the framework finds them: its own, or else those of the provider. */
export function layersOf(definition: FunctionDefinition, { provider }: ServerlessService): unknown[] {
  const layers = definition['layers'] ?? provider.layers;
  return Array.isArray(layers) ? (layers as unknown[]) : [];
}

/** Names under `layers:` of the service whose content can be part of a package. */
export function ownLayersOf(definition: FunctionDefinition, serverless: Serverless): string[] {
  const { naming } = serverless.getProvider('aws');
  const known = new Map(
    Object.keys(serverless.service.layers ?? {}).map((name) => [naming.getLambdaLayerLogicalId(name), name]),
  );
  return layersOf(definition, serverless.service).flatMap((layer) => {
    const id = (layer as { Ref?: unknown } | null)?.Ref;
    return typeof id === 'string' ? (known.get(id) ?? []) : [];
  });
}

/** Below `/opt`, where a Node.js runtime of Lambda finds modules of layers. */
const MODULES = /^nodejs\/(?:node\d+\/)?(node_modules\/.+)$/;

/**
 * The entries of a package, with the modules of the service's own layers: an edge has no `/opt`, and a module
 * of a layer is one that the function requires by its name. As on Lambda, what the function brings itself
 * comes first, and of two layers the later one.
 */
export async function withLayers(
  name: string,
  entries: readonly PackageEntry[],
  serverless: Serverless,
): Promise<PackageEntry[]> {
  const merged = new Map<string, PackageEntry>();
  for (const layer of ownLayersOf(serverless.service.functions[name] ?? {}, serverless)) {
    for (const entry of await readLayer(layer, serverless)) {
      const [, module] = MODULES.exec(entry.path) ?? [];
      if (module !== undefined) merged.set(module, { ...entry, path: module });
    }
  }
  for (const entry of entries) merged.set(entry.path, entry);
  return [...merged.values()];
}

/** The framework has packaged it by now. */
async function readLayer(layer: string, serverless: Serverless): Promise<PackageEntry[]> {
  const artifact =
    serverless.service.layers?.[layer]?.package?.artifact ?? path.join('.serverless', `${layer}.zip`);
  try {
    return await readArtifact(path.resolve(serverless.serviceDir, artifact));
  } catch (cause) {
    const field = `layers.${layer}`;
    throw new EdgeError('PACKAGE_INVALID', `${field}: ${(cause as Error).message}`, { field, cause });
  }
}
