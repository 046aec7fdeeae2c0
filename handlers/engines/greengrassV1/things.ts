import { isActiveDevice, type GroupDefinition } from '../../../protocol';
import type { Core, Device } from './content';
import { entryId } from './ids';
import type { GreengrassV1Settings } from './systemFunctions';

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
