import { join } from 'node:path';
import type { Operator } from '../../operations/operator';
import { deployCoreComponent } from '../../operations/cores/greengrass/coreComponent';
import { ensureGreengrassPolicy } from '../../operations/cores/greengrass/corePolicy';
import { EdgeError, type GroupDefinition } from '../../protocol';
import { prepareListening, runningEdge, type Edge, type EdgeOptions, type EdgePlace } from './edge';
import { projectRoot } from './folders';
import { startNucleusProcess } from './nucleus';
import type { NodeProcess, ProcessEvent } from './process';

/** What an operator does for a core that Greengrass runs, short of setting up the node. */
export class GreengrassCore {
  constructor(
    private readonly operator: Operator,
    private readonly place: EdgePlace,
    private readonly options: EdgeOptions,
  ) {}

  /** Lets the nucleus connect. */
  async admit(): Promise<void> {
    await ensureGreengrassPolicy(this.#access, this.place.core);
  }

  /** Lays the server certificate down where the core finds it, and deploys the core there. */
  async deploy(definition: GroupDefinition): Promise<void> {
    const { cloud, core } = this.place;
    const { poolSize, logLevel } = this.options;
    const dir = this.options.stateDir ?? this.place.stateDir;
    const listen = await prepareListening(this.place, dir, this.options);
    await deployCoreComponent(this.#access, {
      ...{ definition, core: core.thingName, region: cloud.region },
      bundles: join(projectRoot(), 'dist', 'edge'),
      sdkFrom: projectRoot(),
      connectivityUrl: cloud.endpoints.greengrass,
      listen,
      settings: { ...(poolSize !== undefined && { poolSize }), ...(logLevel && { logLevel }) },
    });
  }

  get #access() {
    return { operator: this.operator, outputs: this.place.outputs };
  }
}

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
  const { stateDir = place.stateDir, onEvent, onLine } = options;
  const environment = onEvent ? { EDGE_TRACE: '1' } : {};
  const nucleus = await startNucleusProcess(
    { cloud, core, roleAlias: outputs.roleAlias, stateDir },
    { environment, onEvent, onLine },
  );
  try {
    const listening = nucleus.waitFor('listening');
    // It may also end while it is being deployed, or not be deployable at all.
    await Promise.race([Promise.all([deployCore(), listening]), failed(nucleus)]);
    return runningEdge(place, `${stateDir}/nucleus.json`, nucleus, await listening, {
      host: options.host,
      graceMs: STOP_GRACE_MS,
    });
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
