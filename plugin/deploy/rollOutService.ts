import path from 'node:path';
import { removeDevice, type RemovedDevice } from '../../operations/things/deviceRemove';
import { changeText } from '../../operations/groups/groupChanges';
import { readGroupFiles } from '../../operations/groups/groupFiles';
import { readPlan } from '../../operations/packages/plan';
import {
  registeredIdentity,
  applyPlan,
  type AppliedGroup,
  type AppliedPlan,
} from '../../operations/groups/applyPlan';
import { isActiveDevice, matchesAnyDevicePattern } from '../../protocol';
import { removalLines } from '../commands/devices';
import type { DeployedService } from '../commands/service';
import { table } from '../commands/format';
import type { Utils } from '../framework';

export interface RollOutServiceOptions {
  /** What `sls package` wrote. */
  packageDir: string;
  /** These groups alone. */
  groups?: readonly string[];
  /** Remove devices that the service named before and names no more. */
  prune?: boolean;
  utils: Utils;
}

/** What of the roll-out is worth telling, for people and as JSON. */
export interface RollOutReport {
  packages: AppliedPlan['packages'];
  groups: (Omit<AppliedGroup, 'definition'> & {
    core?: string;
    revision: number;
    devices: number;
    pruned: RemovedDevice[];
  })[];
  /** Groups with a core that the service has no more. */
  left: string[];
}

/** Brings what was packaged to the registry and to the groups. Throws as `applyPlan` and `readPlan`. */
export async function rollOutService(
  service: DeployedService,
  { packageDir, groups, prune = false, utils }: RollOutServiceOptions,
): Promise<RollOutReport> {
  const edgeDir = path.join(packageDir, 'edge');
  const plan = await readPlan(edgeDir, groups);
  const shown = new Set<string>();
  const progress = (topic: string, text: string | undefined): void => {
    const name = `edge ${topic}`;
    if (text === undefined) utils.progress.get(name).remove();
    else utils.progress.get(name).notice(text);
    shown.add(name);
  };
  try {
    const done = await applyPlan(plan, { ...service, identify: registeredIdentity(service), progress });
    const reported: RollOutReport['groups'] = [];
    // One after another: a device that two groups dropped keeps its certificate until the second.
    for (const each of done.groups) {
      reported.push(report(each, prune ? await pruneGroup(service, edgeDir, each) : []));
    }
    return { packages: done.packages, groups: reported, left: await leftGroups(service, edgeDir) };
  } finally {
    for (const name of shown) utils.progress.get(name).remove();
  }
}

async function pruneGroup(
  service: DeployedService,
  edgeDir: string,
  { group, dropped }: AppliedGroup,
): Promise<RemovedDevice[]> {
  const files = await readGroupFiles(edgeDir);
  // A thing of the stack outlives it only because of its certificate.
  const thing = files.some((file) => file.group === group && file.thingGroup !== undefined);
  const removed: RemovedDevice[] = [];
  for (const thingName of dropped) {
    // Also one whose group is not part of this roll-out.
    const wanted = files.find(({ devices }) => matchesAnyDevicePattern(devices, thingName));
    const elsewhere = wanted && { stillWantedBy: wanted.group };
    removed.push(await removeDevice(service, { thingName, groups: [group], thing, ...elsewhere }));
  }
  return removed;
}

async function leftGroups({ operator, outputs }: DeployedService, edgeDir: string): Promise<string[]> {
  const present = (await readGroupFiles(edgeDir)).map(({ group }) => group);
  const all = await operator.groupNames(outputs.stateBucket);
  const left = all.filter((group) => !present.includes(group));
  const definitions = await Promise.all(left.map((group) => operator.definition(outputs.stateBucket, group)));
  return left.filter((_group, at) => definitions[at]?.core !== undefined);
}

function report(
  { definition, dropped, ...rest }: AppliedGroup,
  pruned: RemovedDevice[],
): RollOutReport['groups'][number] {
  const after = pruned.flatMap(({ groups }) => groups).at(-1)?.after ?? definition;
  const gone = new Set(pruned.map(({ thingName }) => thingName));
  return {
    ...rest,
    dropped: dropped.filter((name) => !gone.has(name)),
    pruned,
    ...(definition.core && { core: definition.core.thingName }),
    revision: after.revision,
    devices: Object.keys(after.devices).filter((name) => isActiveDevice(after, name)).length,
  };
}

/** What changed per group, then endpoints, groups and functions. */
export function rollOutText({ packages, groups, left }: RollOutReport, service: DeployedService): string {
  const tables = [
    table(['endpoint', ''], endpointRows(service)),
    ...(groups.length === 0 ? [] : [table(GROUP_HEAD, groups.map(groupRow))]),
    ...(packages.length === 0 ? [] : [table(['function', 'version', ''], packages.map(packageRow))]),
  ];
  const lines = [
    ...groups.flatMap(groupLines),
    ...left.map((group) => `! group ${group} is no longer in the service; its edge goes on as it is`),
  ];
  return [...lines, '', tables.join('\n\n')].join('\n');
}

const GROUP_HEAD = ['group', 'revision', 'core', 'devices', 'functions'];

function groupLines({
  group,
  changes,
  onDemand,
  missing,
  dropped,
  pruned,
  revoked,
  warnings,
}: RollOutReport['groups'][number]): string[] {
  const kept = Object.entries(onDemand).map(([key, devices]) => `${key} (${devices.join(', ')})`);
  return [
    `${group}: ${changes.length === 0 ? 'nothing changed' : ''}`.trimEnd(),
    ...changes.map((change) => `  ${changeText(change)}`),
    ...(kept.length === 0 ? [] : [`  = kept, as devices asked for it: ${kept.join(', ')}`]),
    ...(missing.core === undefined
      ? []
      : [`  ! ${missing.core} has no certificate: sls edge core init --group ${group}`]),
    ...missing.devices.map(
      (name) => `  ! ${name} has no certificate: sls edge device add --name ${name} --group ${group}`,
    ),
    ...revoked.map(
      (name) =>
        `  ! the certificate of ${name} is revoked here: sls edge device add --name ${name} --group ${group}`,
    ),
    ...pruned.flatMap((removed) => [`  - device ${removed.thingName}`, ...certificateLines(removed)]),
    ...(dropped.length === 0 ? [] : [`  ! no longer named, and devices still: ${dropped.join(', ')}`]),
    ...(dropped.length === 0 ? [] : ['    sls edge deploy --prune removes them']),
    ...warnings.map((warning) => `  ! ${warning}`),
  ];
}

function certificateLines(removed: RemovedDevice): string[] {
  return removalLines({ ...removed, groups: [] }).map((line) => `    ${line}`);
}

function endpointRows({ outputs }: DeployedService): string[][] {
  return [
    ['HTTP', outputs.httpApiUrl],
    ['packages', `s3://${outputs.functionsBucket}/uploads/`],
    ['core topics', `${outputs.corePrefix}/core/<core>/…`],
    ['device topics', `${outputs.devicePrefix}/<device>/…`],
  ];
}

function groupRow({ group, revision, core, devices, onDemand }: RollOutReport['groups'][number]): string[] {
  const demanded = Object.keys(onDemand).length;
  return [group, String(revision), core ?? '(none)', String(devices), `${demanded} on demand`];
}

function packageRow({ name, version, changed }: RollOutReport['packages'][number]): string[] {
  return [name, version, changed ? 'new' : 'unchanged'];
}
