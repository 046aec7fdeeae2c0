import { readDeployManifest } from '../../operations/packages/deployManifest';
import { readGroupFiles } from '../../operations/groups/groupFiles';
import type { PackagedService } from './packaging';

/** What edge cores and the local cloud were started with, by what of `serverless.yml` it comes from. */
export type StartedWith = Record<string, string>;

export async function startedWith({
  stackName,
  region,
  edgeDir,
  template,
}: PackagedService): Promise<StartedWith> {
  const { engine } = await readDeployManifest(edgeDir);
  const cores = (await readGroupFiles(edgeDir)).map(({ group, core }) => [`edge.groups.${group}.core`, core]);
  const { Outputs = {} } = template as { Outputs?: Record<string, { Value?: unknown }> };
  const prefixes = [Outputs['EdgeDevicePrefix']?.Value, Outputs['EdgeCorePrefix']?.Value];
  return {
    'the name of the service or its stage': stackName,
    'provider.region': region,
    'edge.engine': JSON.stringify(engine),
    'edge.topics': JSON.stringify(prefixes),
    ...(Object.fromEntries(cores) as Record<string, string>),
  };
}

/** What of a changed `serverless.yml` cannot be applied to what runs. Pure. */
export function needsRestart(before: StartedWith, after: StartedWith): string[] {
  return Object.keys(before).filter((name) => name in after && before[name] !== after[name]);
}
