import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, isActiveDevice, type GroupDefinition } from '../../protocol';
import { updateGroup, type GroupChange, type OperatorAccess } from '../groups/changeGroup';
import { removeListener, writeListener } from '../groups/listener';
import { requireDefinition } from '../inspection/overview';
import { releaseCertificate } from '../removal/certificates';
import { letDiscover } from '../things/membership';
import { amazonRoots, ThingStore, type ThingRequest } from '../things/thingFiles';
import type { CoreIdentity, CoreInitOptions, CoreSteps } from './platform';

export interface InitialisedCore {
  certificateId: string;
  change: GroupChange;
  /** What the platform says: fields of a JSON document, and lines of text. */
  facts: object;
  lines: readonly string[];
  /** What went wrong without stopping anything, and what an operator should know. */
  warnings: string[];
}

/**
 * Makes a node the core of a group, whatever it runs on: a certificate, what the platform needs, then the
 * group's definition, which names this core and no other. Again with the same folder it keeps the core's
 * certificate. Throws GROUP_NOT_FOUND, CONFLICT when another node is the core, and what the platform throws.
 */
export async function initialiseCore(
  access: OperatorAccess,
  steps: CoreSteps,
  options: CoreInitOptions,
): Promise<InitialisedCore> {
  const { corePolicy, corePrefix } = access.outputs;
  const { group, core, out } = options;
  const definition = await requireDefinition(access, group);
  const things = new ThingStore(join(out, 'credentials'), access.operator, options.cloudCa ?? amazonRoots());
  const kept = await things.find(core);
  const existing = kept === undefined ? await steps.existing?.(access, core) : undefined;
  await requireVacant(access, definition, kept ?? existing, options);
  await mkdir(out, { recursive: true, mode: 0o700 });
  // The policy of the service's cores also marks what `sls remove` takes away.
  const request = { thingName: core, policyName: corePolicy, madeBy: corePrefix };
  const identity: CoreIdentity = existing ?? (await ensured(things, request));
  const { certificateId } = identity;
  const prepared = await steps.prepare({ access, options, definition, ...identity });
  const change = await updateGroup(access, { group, core: { thingName: core, certificateId } });
  if (prepared.listener === undefined) await removeListener(access, group);
  else await writeListener(access, group, prepared.listener);
  const warnings = [...(prepared.warnings ?? [])];
  if (steps.usesDiscovery) {
    const devices = Object.keys(change.after.devices).filter((name) => isActiveDevice(change.after, name));
    warnings.push(...(await letDiscover(access, core, devices)));
  }
  if (definition.core !== undefined && definition.core.certificateId !== certificateId) {
    warnings.push(...(await retire(access, definition.core)));
  }
  return { certificateId, change, facts: prepared.facts, lines: prepared.lines, warnings };
}

async function ensured(things: ThingStore, request: ThingRequest): Promise<CoreIdentity> {
  const files = await things.ensure(request);
  return { certificateId: files.certificateId, files };
}

/** Two nodes as one core would take turns in disconnecting each other. */
async function requireVacant(
  { operator }: OperatorAccess,
  { core: current }: GroupDefinition,
  kept: { certificateId: string } | undefined,
  { group, replace }: CoreInitOptions,
): Promise<void> {
  if (current === undefined || replace || kept?.certificateId === current.certificateId) return;
  const active = await operator.activeCertificatesOf(current.thingName);
  if (!active.includes(current.certificateId)) return;
  throw new EdgeError('CONFLICT', `group ${group} has a core already: ${current.thingName}`, {
    expected: 'the folder of that core as --out, or --replace to cut that node off',
    details: { core: current.thingName, certificateId: current.certificateId },
  });
}

/** The certificate of the node that was the core before has no rights here any more. Resolves with what is left of it. */
async function retire(
  { operator, outputs }: OperatorAccess,
  { thingName, certificateId }: { thingName: string; certificateId: string },
): Promise<string[]> {
  try {
    const arn = await operator.certificateArn(certificateId);
    if (arn === undefined) return [];
    const serves = await releaseCertificate(operator.clients.iot, arn, {
      ...{ thingName, policyName: outputs.corePolicy, madeBy: outputs.corePrefix },
    });
    return serves === undefined
      ? []
      : [`the replaced certificate ${certificateId} also serves ${serves}: it stays`];
  } catch (error) {
    return [`the replaced certificate ${certificateId} is still there: ${(error as Error).message}`];
  }
}
