import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, isActiveDevice, type GroupDefinition } from '../../protocol';
import { loadOrCreateAuthority } from '../../lib/x509/authority';
import { releaseCertificate } from '../removal/certificateRemoval';
import type { ServiceAccess } from '../groups/changeGroup';

/** What becoming the core of a group takes on every platform. */

const OWNER_ONLY = 0o600;
const THIS_MACHINE = ['localhost', '127.0.0.1'];

/** Names and addresses in the core's server certificate: those that devices use, and the node itself. */
export function serverNames(hosts: readonly string[]): string[] {
  return [...new Set([...hosts, ...THIS_MACHINE])];
}

/** Two nodes as one core would take turns in disconnecting each other. */
export async function requireVacant(
  { operator }: ServiceAccess,
  { core: current }: GroupDefinition,
  kept: { certificateId: string } | undefined,
  { group, replace }: { group: string; replace: boolean },
): Promise<void> {
  if (current === undefined || replace || kept?.certificateId === current.certificateId) return;
  const active = await operator.activeCertificatesOf(current.thingName);
  if (!active.includes(current.certificateId)) return;
  throw new EdgeError('CONFLICT', `group ${group} has a core already: ${current.thingName}`, {
    expected: 'the folder of that core as --out, or --replace to cut that node off',
    details: { core: current.thingName, certificateId: current.certificateId },
  });
}

/** `server.pem` and `server.key`, signed by the service's own authority; resolves with that one's PEM. */
export async function writeServer(
  { authorityDir, core, out }: { authorityDir: string; core: string; out: string },
  hosts: readonly string[],
): Promise<string> {
  const authority = await loadOrCreateAuthority(authorityDir, 'serverless-edge-on-demand edges');
  const server = await authority.issueServer({ commonName: core, hosts });
  await writeFile(join(out, 'server.pem'), server.certificatePem, { mode: OWNER_ONLY });
  await writeFile(join(out, 'server.key'), server.privateKeyPem, { mode: OWNER_ONLY });
  return authority.certificatePem;
}

/** Resolves with what went wrong. */
export async function associate(
  { operator }: ServiceAccess,
  core: string,
  definition: GroupDefinition,
): Promise<string[]> {
  const devices = Object.keys(definition.devices).filter((name) => isActiveDevice(definition, name));
  try {
    await operator.associateDevices(core, devices);
    return [];
  } catch (error) {
    return [`devices cannot discover ${core}: ${(error as Error).message}`];
  }
}

/** The certificate of the node that was the core before has no rights here any more. Resolves with what is left of it. */
export async function retire(
  { operator, outputs }: ServiceAccess,
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
