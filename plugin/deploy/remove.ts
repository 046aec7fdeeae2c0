import { EdgeError } from '../../protocol';
import { unlessMissing } from '../../lib/awsErrors';
import type { PlatformRemoval } from '../../operations/cores/platform';
import { CORE_PLATFORMS, platformOfEngine } from '../../operations/cores/platforms';
import { groupOverviews, isAlive, type GroupOverview } from '../../operations/inspection/overview';
import {
  FUNCTIONS_PREFIXES,
  removeService,
  STATE_PREFIXES,
  type Removal,
} from '../../operations/removal/removal';
import { rulesOfStack } from '../../operations/cloudFormation';
import { ago } from '../commands/format';
import { openService, type DeployedService } from '../commands/service';
import { isSet, type CommandHost } from '../commands/command';
import type { Utils } from '../framework';

/**
 * Before the stack goes: names the groups whose edges are still alive, then removes what CloudFormation
 * does not know of and what would keep it from deleting the rest. Nothing happens when the service is
 * not deployed.
 */
export async function removeBeforeStack(host: CommandHost): Promise<void> {
  const service = await openIfDeployed(host);
  if (service === undefined) return;
  const progress = host.utils.progress.get('edge removal');
  try {
    await nameLivingGroups(service, host.utils);
    const { section, lambdaName } = host.configuration();
    const { functionsBucket, stateBucket } = service.outputs;
    const shared = (existing: boolean | undefined, prefixes: string[]) => (existing ? { prefixes } : {});
    const done = await removeService(service, {
      createFunction: lambdaName('createFunction'),
      rules: await rulesOfStack(service.config, service.stackName),
      platform: await platformRemovalOf(section.engine.name),
      buckets: [
        { name: functionsBucket, ...shared(section.buckets.functions?.existing, FUNCTIONS_PREFIXES) },
        { name: stateBucket, ...shared(section.buckets.state?.existing, STATE_PREFIXES) },
      ],
      progress: (text) => (text === undefined ? progress.remove() : progress.notice(text)),
    });
    for (const problem of [...done.problems, ...done.platform.warnings]) host.utils.log.warning(problem);
    host.utils.log.notice(textOf(done));
  } finally {
    progress.remove();
    service.close();
  }
}

async function platformRemovalOf(engine: string): Promise<PlatformRemoval | undefined> {
  const platform = await CORE_PLATFORMS[platformOfEngine(engine)]?.load();
  return platform?.removal?.();
}

/** Undefined where there is no stack of ours: nothing was deployed, or nothing of the edge. */
export async function openIfDeployed(host: CommandHost): Promise<DeployedService | undefined> {
  try {
    return await openService(host.serverless, { local: isSet(host.options, 'local') });
  } catch (error) {
    // No stack, or one that failed before it had any outputs: there is nothing of ours.
    if (error instanceof EdgeError && ['NOT_FOUND', 'BAD_REQUEST'].includes(error.code)) return undefined;
    throw error;
  }
}

/** Their functions go on until the core stops; then nothing can bring them back. */
async function nameLivingGroups(service: DeployedService, utils: Utils): Promise<void> {
  for (const name of await groupNames(service)) {
    try {
      const [overview] = await groupOverviews(service, [name]);
      const warning = overview && livingText(overview);
      if (warning !== undefined) utils.log.warning(warning);
    } catch (error) {
      // What was spoilt by hand must not keep a service from being removed.
      utils.log.warning(
        `group ${name}: whether its edge is alive cannot be told: ${(error as Error).message}`,
      );
    }
  }
}

/** None when an earlier, unfinished removal has deleted the bucket. */
export async function groupNames({ operator, outputs }: DeployedService): Promise<string[]> {
  return (await unlessMissing(operator.groupNames(outputs.stateBucket))) ?? [];
}

function livingText(overview: GroupOverview): string | undefined {
  const { group, core = '', edge } = overview;
  if (edge === undefined || edge.state === 'stopping') return undefined;
  const seen = ago(edge.lastSeen);
  return isAlive(overview)
    ? `group ${group} is alive: core ${core}, last seen ${seen}. It is cut off from here on.`
    : `group ${group}: core ${core} has not been seen for a while (last ${seen}). Should it still run, it is cut off.`;
}

function textOf({ functions, objects, things, platform }: Removal): string {
  const count = Object.values(objects).reduce((sum, each) => sum + each, 0);
  const kept = things.kept.length === 0 ? '' : `; ${things.kept.length} certificates of others were kept`;
  const ofPlatform = platform.removed.map((text) => `${text}, `).join('');
  return (
    `Removed ${count} objects, ${functions.length} functions made from packages, ${ofPlatform}` +
    `${things.certificates.length} certificates and ${things.things.length} things${kept}`
  );
}
