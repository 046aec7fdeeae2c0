import { createHash } from 'node:crypto';
import {
  functionKey,
  nextDefinition,
  splitFunctionKey,
  type FunctionManifest,
  type GroupDefinition,
} from '../../protocol';
import type { Deployment, DeploymentEngine } from '../engines/engine';
import type { WallClock, Definitions, Log, Registry, Requests } from '../ports';
import { rollbackUpdate, type FailedVersion } from './rollbackUpdate';
import { versionBefore } from './versionBefore';

export interface RollBackPorts {
  definitions: Pick<Definitions, 'readRevision'>;
  requests: Requests;
  registry: Registry;
  engine: DeploymentEngine;
  clock: WallClock;
  log: Log;
}

/**
 * Stores the update that rolls back what the engine could not bring to the edge, if that changes the
 * definition. True when there is something to absorb now.
 */
export async function rollBackFailures(
  definition: GroupDefinition,
  { failures, revision }: Deployment,
  { definitions, requests, registry, engine, clock, log }: RollBackPorts,
): Promise<boolean> {
  if (failures === undefined || revision !== definition.revision) return false;
  const failed = await Promise.all(
    Object.entries(failures).map(async ([key, { error, running }]): Promise<FailedVersion> => {
      const { name, version } = splitFunctionKey(key);
      const fallback =
        running === undefined
          ? await versionBefore(definition, { name, version }, definitions)
          : await manifestOf(name, running, definition, registry);
      return { function: name, version, error, ...(fallback && { fallback }) };
    }),
  );
  const update = rollbackUpdate(definition, failed, {
    requestId: requestIdOf(revision, failed),
    receivedAt: new Date(clock.now()).toISOString(),
    origin: { kind: 'operator', name: `engine ${engine.name}` },
  });
  if (nextDefinition(definition, [update]) === definition) return false;
  await requests.store(update);
  log.warn({ group: definition.group, revision, failures }, 'rolled back');
  return true;
}

/** Undefined when the registry does not have it; then nothing serves in the failed version's place. */
async function manifestOf(
  name: string,
  version: string,
  { functions }: GroupDefinition,
  registry: Registry,
): Promise<FunctionManifest | undefined> {
  return (
    functions[functionKey(name, version)] ?? (await registry.index(name))?.value.versions[version]?.manifest
  );
}

/** The same failures of the same revision are the same request, whoever sees them. */
function requestIdOf(revision: number, failed: readonly FailedVersion[]): string {
  const keys = failed.map((each) => functionKey(each.function, each.version)).sort();
  const digest = createHash('sha256').update(keys.join()).digest('hex').slice(0, 32);
  return `rollback-${revision}-${digest}`;
}
