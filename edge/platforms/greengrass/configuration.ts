import path from 'node:path';
import { EdgeError, parseWith } from '../../../protocol';
import {
  coreConfigurationSchema,
  type CoreConfiguration,
} from '../../../protocol/greengrass/coreConfiguration';
import { coreSettingsSchema, type CoreSettings } from '../../../protocol/coreConfig';
import type { NucleusClient } from './nucleus';

/** Throws CONFIG_INVALID naming the field of the component's configuration, or DISCONNECTED. */
export async function readCoreConfiguration(
  nucleus: Pick<NucleusClient, 'configuration'>,
): Promise<CoreConfiguration> {
  const value = await nucleus.configuration();
  return parseWith(coreConfigurationSchema, value, 'configuration of the component', 'CONFIG_INVALID');
}

export async function revisionOf(nucleus: Pick<NucleusClient, 'configuration'>): Promise<number> {
  return (await readCoreConfiguration(nucleus)).revision;
}

/** `work`: the component's work folder, which survives restarts and new versions. */
export function coreSettingsOf(
  { group, devicePrefix, corePrefix, poolSize, heartbeat, logLevel }: CoreConfiguration,
  { core, work }: { core: string | undefined; work: string },
): CoreSettings {
  if (core === undefined) throw new EdgeError('CONFIG_INVALID', 'AWS_IOT_THING_NAME is not set');
  const settings = {
    ...{ core, group, devicePrefix, corePrefix, stateDir: path.join(work, 'state') },
    ...{ poolSize, heartbeat, logLevel },
  };
  return parseWith(coreSettingsSchema, settings, 'configuration of the component', 'CONFIG_INVALID');
}
