import path from 'node:path';
import { changeGroup, type GroupChange } from '../../operations/groups/changeGroup';
import { changeText, groupChanges } from '../../operations/groups/groupChanges';
import { undeployUpdate } from '../../operations/groups/groupUpdate';
import { reannounce } from '../../operations/groups/applyPlan';
import { groupsNamed, requireDefinition } from '../../operations/inspection/overview';
import { EdgeError } from '../../protocol';
import { rollOutService, rollOutText } from '../deploy/rollOutService';
import { isSet, text, type CommandContext, type CommandResult } from './command';

/**
 * `sls edge deploy [--group] [--package] [--prune]`: what follows `sls deploy`, without CloudFormation. A group in
 * which nothing changed is announced to its edge once more.
 */
export async function deploy(context: CommandContext): Promise<CommandResult> {
  const { serverless, options, service, utils } = context;
  const directory = text(options, 'package');
  if (directory === undefined) await serverless.pluginManager.spawn('package');
  const only = text(options, 'group');
  const done = await rollOutService(service, {
    packageDir: path.resolve(serverless.serviceDir, directory ?? '.serverless'),
    prune: isSet(options, 'prune'),
    utils,
    ...(only !== undefined && { groups: [only] }),
  });
  const unchanged = done.groups.filter(({ changes }) => changes.length === 0);
  await Promise.all(unchanged.map(({ group }) => reannounce(service, group)));
  return { json: done, text: rollOutText(done, service) };
}

/**
 * `sls edge undeploy --function [--group] [--device]`. A function that the service preloads comes back
 * with the next deployment, and one that a device asks for again comes back too: entitlements are what
 * keeps a function away (`devices` of the function).
 */
export async function undeploy({ service, options }: CommandContext): Promise<CommandResult> {
  const name = text(options, 'function') ?? '';
  const device = text(options, 'device');
  const only = text(options, 'group');
  const groups = await groupsNamed(service, only);
  await Promise.all(groups.map((group) => requireDefinition(service, group)));
  const undeployment = { function: name, ...(device !== undefined && { device }) };
  const changed = await Promise.all(
    groups.map((group) =>
      changeGroup(service, group, (current, meta) => undeployUpdate(current, undeployment, meta)),
    ),
  );
  const all = changed.map(describe).filter(({ changes }) => changes.length > 0);
  if (all.length === 0) throw nothingThere(name, device, only);
  return { json: { function: name, groups: all }, text: undeployedText(all, device) };
}

type Described = ReturnType<typeof describe>;

function describe({ group, before, after }: GroupChange) {
  return { group, revision: after.revision, changes: groupChanges(before, after) };
}

function nothingThere(name: string, device: string | undefined, group: string | undefined): EdgeError {
  const where = group === undefined ? 'in any group' : `in group ${group}`;
  const who = device === undefined ? '' : ` for ${device}`;
  return new EdgeError('FUNCTION_NOT_DEPLOYED', `there is no ${name}${who} ${where}`, {
    expected: 'see what runs where with "sls edge status"',
  });
}

function undeployedText(all: readonly Described[], device: string | undefined): string {
  const lines = all.flatMap(({ group, revision, changes }) => [
    `${group} (revision ${revision})`,
    ...changes.map((change) => `  ${changeText(change)}`),
  ]);
  const preloaded = all.some(({ changes }) => changes.some(({ what }) => what === 'function'));
  if (preloaded) lines.push('The next deployment brings it back unless it leaves edge.groups.');
  else lines.push(`${device ?? 'A device'} gets it again when it asks again.`);
  return lines.join('\n');
}
