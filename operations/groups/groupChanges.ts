import { isActiveDevice, splitClaimKey, type GroupDefinition } from '../../protocol';

/** One thing that an update changed in a group. */
export interface DefinitionChange {
  what: 'core' | 'device' | 'function' | 'claim' | 'limits' | 'engine' | 'logs';
  how: 'added' | 'changed' | 'removed';
  name: string;
  from?: string;
  to?: string;
}

/** What differs between two definitions of a group, as an operator would say it. Pure. */
export function groupChanges(before: GroupDefinition, after: GroupDefinition): DefinitionChange[] {
  return [
    ...difference('core', coreOf(before), coreOf(after)),
    ...difference('device', devicesOf(before), devicesOf(after)),
    ...difference('function', staticsOf(before), staticsOf(after)),
    ...difference('claim', claimsOf(before), claimsOf(after)),
    ...difference('limits', limitsOf(before), limitsOf(after)),
    ...difference('engine', engineOf(before), engineOf(after)),
    ...difference('logs', logsOf(before), logsOf(after)),
  ];
}

/** Functions that devices brought in, `<function>@<version>` with the devices that asked. */
export function onDemand(definition: GroupDefinition): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [key, { version, released }] of Object.entries(definition.claims)) {
    const { device, function: name } = splitClaimKey(key);
    if (!released && isActiveDevice(definition, device)) (found[`${name}@${version}`] ??= []).push(device);
  }
  return found;
}

/** `+ smoothSignal 1.0.0`, `~ smoothSignal 1.0.0 → 1.0.1`, `- smoothSignal`. */
export function changeText({ what, how, name, from, to }: DefinitionChange): string {
  const label = what === 'function' || what === name ? name : `${what} ${name}`;
  if (how === 'added') return `+ ${label}${to === undefined ? '' : ` ${to}`}`;
  if (how === 'removed') return `- ${label}${from === undefined ? '' : ` ${from}`}`;
  return `~ ${label} ${from ?? ''} → ${to ?? ''}`;
}

type Named = Record<string, string>;

function difference(what: DefinitionChange['what'], before: Named, after: Named): DefinitionChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): DefinitionChange[] => {
    const [from, to] = [before[name], after[name]];
    if (from === to) return [];
    if (from === undefined) return [{ what, how: 'added', name, ...(to && { to }) }];
    if (to === undefined) return [{ what, how: 'removed', name, ...(from && { from }) }];
    return [{ what, how: 'changed', name, from, to }];
  });
}

/** Enough of a certificate id to tell it from another. */
const ID_DIGITS = 8;

function certificate(id: string): string {
  return `certificate ${id.slice(0, ID_DIGITS)}…`;
}

function coreOf({ core }: GroupDefinition): Named {
  return core === undefined ? {} : { [core.thingName]: certificate(core.certificateId) };
}

function devicesOf(definition: GroupDefinition): Named {
  return Object.fromEntries(
    Object.entries(definition.devices)
      .filter(([name]) => isActiveDevice(definition, name))
      .map(([name, { certificateId }]) => [name, certificate(certificateId)]),
  );
}

function staticsOf({ statics }: GroupDefinition): Named {
  const present = Object.entries(statics).filter(([, { removed }]) => !removed);
  return Object.fromEntries(present.map(([name, { version }]) => [name, version]));
}

function claimsOf({ claims }: GroupDefinition): Named {
  const live = Object.entries(claims).filter(([, { released }]) => !released);
  return Object.fromEntries(live.map(([key, { version }]) => [key, version]));
}

function limitsOf({ limits }: GroupDefinition): Named {
  if (limits === undefined) return {};
  const { storage, memory, instances } = limits;
  return { limits: `${storage} MiB storage, ${memory} MiB memory, ${instances} instances` };
}

function engineOf({ engine }: GroupDefinition): Named {
  if (engine === undefined) return {};
  const { delivery, targetArn } = engine;
  return { engine: `delivery ${delivery}${targetArn === undefined ? '' : ` to ${targetArn}`}` };
}

function logsOf({ logs }: GroupDefinition): Named {
  return logs === undefined ? {} : { logs: logs.level };
}
