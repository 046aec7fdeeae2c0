import {
  groupOverviews,
  type FunctionOverview,
  type GroupOverview,
} from '../../operations/inspection/overview';
import type { Rollback } from '../../protocol';
import { text, type CommandContext, type CommandResult } from './command';
import { ago, table } from './format';

/** `sls edge status [--group]`: what should run, what runs, and who asked for it. */
export async function status({ service, options }: CommandContext): Promise<CommandResult> {
  const only = text(options, 'group');
  const all = await groupOverviews(service, only === undefined ? undefined : [only]);
  const shown = all.map(textOf).join('\n\n');
  return { json: { groups: all }, text: shown || 'No group is deployed: sls deploy' };
}

function textOf(overview: GroupOverview): string {
  const { group, core, edge, revision, deployment, devices, functions, rollbacks } = overview;
  const running = edge === undefined ? 'unknown' : String(edge.revision);
  return [
    group,
    `  core        ${core ?? '(none: sls edge core init)'}`,
    `  edge        ${edgeText(overview)}`,
    `  revision    ${revision} desired, ${running} running`,
    `  deployment  ${deploymentText(deployment)}`,
    `  devices     ${devices.join(', ') || '(none)'}`,
    ...indented(functionsTable(functions)),
    ...rollbacks.map(rollbackText),
  ].join('\n');
}

function deploymentText(deployment: GroupOverview['deployment']): string {
  if (deployment === undefined) return 'not announced yet';
  const { revision, state, at, error } = deployment;
  const reason = error === undefined ? '' : `: ${error.message} (${error.code})`;
  return `revision ${revision} ${state}, ${ago(at)}${reason}`;
}

function rollbackText({
  function: name,
  version,
  fallback,
  error,
  static: fixed,
  devices,
}: Rollback): string {
  const instead = fallback === undefined ? 'nothing runs' : `${fallback} runs`;
  const asked = [...(fixed ? ['operator'] : []), ...devices].join(', ');
  return `  rolled back ${name}@${version}, ${instead}: ${error.message.split('\n')[0]} (${error.code}), asked for by ${asked}`;
}

function functionsTable(functions: readonly FunctionOverview[]): string {
  if (functions.length === 0) return 'no functions';
  const rows = functions.map(({ key, state, static: preloaded, devices, error }) => [
    key,
    error === undefined ? state : `${state}: ${error.message} (${error.code})`,
    [...(preloaded ? ['operator'] : []), ...devices].join(', ') || '(nobody any more)',
  ]);
  return table(['function', 'state', 'asked for by'], rows);
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`.trimEnd());
}

/** `sls edge groups` */
export async function groups({ service }: CommandContext): Promise<CommandResult> {
  const all = await groupOverviews(service);
  return { json: { groups: all }, text: groupsText(all) };
}

function groupsText(all: readonly GroupOverview[]): string {
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

function edgeText({ edge }: GroupOverview): string {
  if (edge === undefined) return 'never seen';
  if (edge.missing) return `not seen since ${edge.lastSeen} (${ago(edge.lastSeen)})`;
  return `${edge.state === 'stopping' ? 'stopped' : edge.state}, ${ago(edge.lastSeen)}`;
}

/** `7`, or `6 → 7` while the edge is behind. */
function revisionText({ edge, revision }: GroupOverview): string {
  return edge === undefined || edge.revision === revision ? `${revision}` : `${edge.revision} → ${revision}`;
}

function functionsText({ functions }: GroupOverview): string {
  const preloaded = functions.filter((each) => each.static).length;
  const onDemand = functions.filter((each) => !each.static && each.devices.length > 0).length;
  return `${preloaded} preloaded, ${onDemand} on demand`;
}
