import { V1_STATE_DIR } from '../../../protocol/greengrassV1';
import type { Logger, Resource } from './content';
import { entryId } from './ids';
import type { GreengrassV1Settings } from './systemFunctions';

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
