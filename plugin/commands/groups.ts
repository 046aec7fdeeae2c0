import { groupOverviews, type GroupOverview } from '../../operations/inspection/overview';
import type { CommandContext, CommandResult } from './command';
import { ago, table } from './format';

/** `sls edge groups` */
export async function groups({ service }: CommandContext): Promise<CommandResult> {
  const all = await groupOverviews(service);
  return { json: { groups: all }, text: textOf(all) };
}

function textOf(all: readonly GroupOverview[]): string {
  if (all.length === 0) return 'No group is deployed: name some under edge.groups, then sls deploy';
  return table(
    ['group', 'core', 'edge', 'revision', 'devices', 'functions'],
    all.map((each) => [
      each.group,
      each.core ?? '(none: sls edge core init)',
      edgeText(each),
      revisionText(each),
      String(each.devices.length),
      functionsText(each),
    ]),
  );
}

export function edgeText({ edge }: GroupOverview): string {
  if (edge === undefined) return 'never seen';
  if (edge.missing) return `not seen since ${edge.lastSeen} (${ago(edge.lastSeen)})`;
  return `${edge.state === 'stopping' ? 'stopped' : edge.state}, ${ago(edge.lastSeen)}`;
}

/** `7`, or `6 → 7` while the edge is behind. */
export function revisionText({ edge, revision }: GroupOverview): string {
  return edge === undefined || edge.revision === revision ? `${revision}` : `${edge.revision} → ${revision}`;
}

function functionsText({ functions }: GroupOverview): string {
  const preloaded = functions.filter((each) => each.static).length;
  const onDemand = functions.filter((each) => !each.static && each.devices.length > 0).length;
  return `${preloaded} preloaded, ${onDemand} on demand`;
}
