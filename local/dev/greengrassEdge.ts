import { EdgeError } from '../../protocol';
import type { Edge, EdgeOptions, EdgePlace } from './edge';
import { startNucleusProcess } from './nucleus';
import type { NodeProcess, ProcessEvent } from './process';

const HOST = '127.0.0.1';
/** The nucleus stops its components in turn, each with its own patience. */
const STOP_GRACE_MS = 15_000;

/**
 * A group's edge as a Greengrass V2 core: the nucleus, and on it the core component that `deployCore`
 * brings there. Resolves when the component listens for devices.
 */
export async function startGreengrassEdge(
  place: EdgePlace,
  deployCore: () => Promise<void>,
  options: EdgeOptions = {},
): Promise<Edge> {
  const { cloud, outputs, core } = place;
  const stateDir = options.stateDir ?? place.stateDir;
  const nucleus = await startNucleusProcess(
    { cloud, core, roleAlias: outputs.roleAlias, stateDir },
    {
      environment: options.onEvent ? { EDGE_TRACE: '1' } : {},
      ...(options.onEvent && { onEvent: options.onEvent }),
      ...(options.onLine && { onLine: options.onLine }),
    },
  );
  try {
    const listening = nucleus.waitFor('listening');
    // It may also end while it is being deployed, or not be deployable at all.
    await Promise.race([Promise.all([deployCore(), listening]), failed(nucleus)]);
    const { port } = await listening;
    if (typeof port !== 'number') throw new EdgeError('INTERNAL', `${nucleus.name}: its core told no port`);
    return {
      group: place.group,
      core: core.thingName,
      host: HOST,
      port,
      configFile: `${stateDir}/nucleus.json`,
      process: nucleus,
      stop: () => nucleus.stop(STOP_GRACE_MS),
      kill: () => nucleus.kill(),
    };
  } catch (error) {
    await nucleus.stop(STOP_GRACE_MS);
    throw error;
  }
}

/** Rejects when a deployment fails before anything listens. */
async function failed(nucleus: NodeProcess): Promise<never> {
  const where = (event: ProcessEvent) => event['status'] === 'FAILED';
  const { reason } = await nucleus.waitFor('deployment', { where });
  throw new EdgeError('DEPLOYMENT_FAILED', `${nucleus.name}: ${String(reason)}`);
}
