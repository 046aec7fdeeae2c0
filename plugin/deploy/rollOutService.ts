import path from 'node:path';
import { changeText } from '../../operator/groupChanges';
import { readPlan } from '../../operator/plan';
import { registeredIdentity, rollOut, type GroupRollOut, type RollOut } from '../../operator/rollOut';
import type { DeployedService } from '../commands/service';
import { table } from '../commands/format';
import type { Utils } from '../framework';

export interface RollOutServiceOptions {
  /** What `sls package` wrote. */
  packageDir: string;
  /** These groups alone. */
  groups?: readonly string[];
  utils: Utils;
}

/** What of the roll-out is worth telling, for people and as JSON. */
export interface RollOutReport {
  packages: RollOut['packages'];
  groups: (Omit<GroupRollOut, 'definition'> & { core?: string; revision: number; devices: number })[];
}

/** Brings what was packaged to the registry and to the groups. Throws as `rollOut` and `readPlan`. */
export async function rollOutService(
  service: DeployedService,
  { packageDir, groups, utils }: RollOutServiceOptions,
): Promise<RollOutReport> {
  const plan = await readPlan(path.join(packageDir, 'edge'), groups);
  const shown = new Set<string>();
  const progress = (topic: string, text: string | undefined): void => {
    const name = `edge ${topic}`;
    if (text === undefined) utils.progress.get(name).remove();
    else utils.progress.get(name).notice(text);
    shown.add(name);
  };
  try {
    const done = await rollOut(plan, { ...service, identify: registeredIdentity(service), progress });
    return { packages: done.packages, groups: done.groups.map(reported) };
  } finally {
    for (const name of shown) utils.progress.get(name).remove();
  }
}

function reported({ definition, ...rest }: GroupRollOut): RollOutReport['groups'][number] {
  return {
    ...rest,
    ...(definition.core && { core: definition.core.thingName }),
    revision: definition.revision,
    devices: Object.keys(definition.devices).length,
  };
}

/** What changed per group, then endpoints, groups and functions. */
export function rollOutText({ packages, groups }: RollOutReport, service: DeployedService): string {
  const tables = [
    table(['endpoint', ''], endpointRows(service)),
    ...(groups.length === 0 ? [] : [table(GROUP_HEAD, groups.map(groupRow))]),
    ...(packages.length === 0 ? [] : [table(['function', 'version', ''], packages.map(packageRow))]),
  ];
  return [...groups.flatMap(groupLines), '', tables.join('\n\n')].join('\n');
}

const GROUP_HEAD = ['group', 'revision', 'core', 'devices', 'functions'];

function groupLines({
  group,
  changes,
  onDemand,
  missing,
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
    ...warnings.map((warning) => `  ! ${warning}`),
  ];
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
