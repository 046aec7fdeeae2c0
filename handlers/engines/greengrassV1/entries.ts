import { createHash } from 'node:crypto';
import { isActiveDevice, type GroupDefinition } from '../../../protocol';
import { V1_STATE_DIR } from '../../../protocol/greengrassV1';
import type { Core, Device, Logger, Resource } from './content';
import type { GreengrassV1Settings } from './systemFunctions';

/** Greengrass V1: an id is unique within its definition version and matches `[a-zA-Z0-9:_-]{1,128}`. */
const OWN = 'edge:';

/** The same parts give the same id, so that a repeated deployment makes nothing anew. */
export function entryId(...parts: readonly string[]): string {
  // A separator that is in no ARN, topic or name: other parts never give the same text.
  return OWN + createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 40);
}

/** False for what the user added to the group, such as in the console. */
export function isOwnId(id: string | undefined): boolean {
  return id?.startsWith(OWN) ?? false;
}

/** ARNs of things and certificates of one account and region. */
export function thingArn({ thingArnPrefix }: GreengrassV1Settings, thingName: string): string {
  return thingArnPrefix + thingName;
}

function certificateArn({ thingArnPrefix }: GreengrassV1Settings, certificateId: string): string {
  return `${thingArnPrefix.replace(/thing\/$/, 'cert/')}${certificateId}`;
}

export function coreEntries({ core }: GroupDefinition, settings: GreengrassV1Settings): Core[] {
  if (core === undefined) return [];
  const ThingArn = thingArn(settings, core.thingName);
  return [
    {
      Id: entryId('core', ThingArn),
      ThingArn,
      CertificateArn: certificateArn(settings, core.certificateId),
      SyncShadow: false,
    },
  ];
}

/** Things that were devices of the group and must not be any more. */
export function revokedThings(definition: GroupDefinition, settings: GreengrassV1Settings): Set<string> {
  const revoked = Object.keys(definition.devices).filter((name) => !isActiveDevice(definition, name));
  return new Set(revoked.map((name) => thingArn(settings, name)));
}

/** A V1 core admits exactly the devices of its group: a revoked one is left out. */
export function deviceEntries(definition: GroupDefinition, settings: GreengrassV1Settings): Device[] {
  return Object.entries(definition.devices)
    .filter(([name]) => isActiveDevice(definition, name))
    .map(([thingName, { certificateId }]) => {
      const ThingArn = thingArn(settings, thingName);
      return {
        Id: entryId('device', ThingArn),
        ThingArn,
        CertificateArn: certificateArn(settings, certificateId),
        SyncShadow: false,
      };
    });
}

export const STATE_RESOURCE_ID = entryId('resource', 'state');

/** The folder in which edgeCoreMonitor keeps the definition and the outbox over restarts of the core. */
export function resourceEntries(): Resource[] {
  return [
    {
      Id: STATE_RESOURCE_ID,
      Name: 'edge-on-demand-state',
      ResourceDataContainer: {
        LocalVolumeResourceData: {
          SourcePath: V1_STATE_DIR,
          DestinationPath: V1_STATE_DIR,
          GroupOwnerSetting: { AutoAddGroupOwner: true },
        },
      },
    },
  ];
}

export function loggerEntries({ logging }: GreengrassV1Settings): Logger[] {
  if (logging === undefined) return [];
  return (['GreengrassSystem', 'Lambda'] as const).map((Component) => ({
    Id: entryId('logger', Component),
    Component,
    Level: logging.level,
    Type: 'FileSystem' as const,
    Space: logging.spaceKb,
  }));
}
