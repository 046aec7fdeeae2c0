import { isActiveDevice, type GroupDefinition } from '../../../protocol';
import type { Core, Device } from './content';
import { entryId } from './ids';
import type { GreengrassSettings } from './settings';

/** ARNs of things and certificates of one account and region. */
export function thingArn({ thingArnPrefix }: GreengrassSettings, thingName: string): string {
  return thingArnPrefix + thingName;
}

function certificateArn({ thingArnPrefix }: GreengrassSettings, certificateId: string): string {
  return `${thingArnPrefix.replace(/thing\/$/, 'cert/')}${certificateId}`;
}

export function coreEntries({ core }: GroupDefinition, settings: GreengrassSettings): Core[] {
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
export function revokedThings(definition: GroupDefinition, settings: GreengrassSettings): Set<string> {
  const revoked = Object.keys(definition.devices).filter((name) => !isActiveDevice(definition, name));
  return new Set(revoked.map((name) => thingArn(settings, name)));
}

/** A V1 core admits exactly the devices of its group: a revoked one is left out. */
export function deviceEntries(definition: GroupDefinition, settings: GreengrassSettings): Device[] {
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
