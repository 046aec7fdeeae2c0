import path from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { EdgeError } from '../../../protocol';
import { FUNCTIONS_SOCKET } from '../../../protocol/greengrass/coreConfiguration';
import { backgroundClock } from '../../../lib/clock';
import { startCore } from '../../core';
import { createCoreLog, fail, stopOnSignal, tellMachines } from '../coreProcess';
import { coreSettingsOf, readCoreConfiguration } from './configuration';
import { connectOverNucleus } from './connection';
import { prepareDevices } from './devices';
import { openComponentHosts } from './hosts/componentHosts';
import { HostedPackages } from './hosts/hostedPackages';
import { connectNucleus, type NucleusClient } from './nucleus';

/**
 * `node core.cjs --work <folder>`: an edge core as a component of a Greengrass core. Its configuration
 * and its messages to the cloud come and go through the nucleus, its credentials from token exchange. What
 * it prints is that of a standalone core. `--settings` and `--delivery` are for the nucleus alone: it
 * starts a component anew when a value changes that a lifecycle script names.
 */
async function main(): Promise<void> {
  const { work, nucleus } = await connected();
  try {
    await run(nucleus, work);
  } catch (error) {
    await nucleus.reportState('ERRORED').catch(() => undefined);
    fail(pino(), error);
  }
}

async function connected(): Promise<{ work: string; nucleus: NucleusClient }> {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { work: text, settings: text, delivery: text } });
    if (values.work === undefined) throw new EdgeError('CONFIG_INVALID', 'usage: core --work <folder>');
    return { work: path.resolve(values.work), nucleus: await connectNucleus() };
  } catch (error) {
    return fail(pino(), error);
  }
}

async function run(nucleus: NucleusClient, work: string): Promise<void> {
  const { env } = process;
  const configuration = await readCoreConfiguration(nucleus);
  const settings = coreSettingsOf(configuration, { core: env['AWS_IOT_THING_NAME'], work });
  const { log, shipper } = createCoreLog(settings);
  const hosts =
    configuration.delivery === 'components'
      ? await openComponentHosts({ socketPath: path.join(work, FUNCTIONS_SOCKET), log })
      : undefined;
  const openDevices = await prepareDevices(configuration, nucleus, backgroundClock);
  const { core } = settings;
  const starting = startCore(settings, {
    ...{ log, shipper },
    // Bundled beside this script.
    processScript: path.join(__dirname, 'functionProcess.cjs'),
    connect: () =>
      connectOverNucleus({ core, configuration, nucleus, variables: env, clock: backgroundClock, log }),
    openDevices,
    region: configuration.region,
    ...(hosts && { delivered: { packages: new HostedPackages(hosts), processes: hosts } }),
    ...tellMachines(core, log),
  });
  const stop = stopOnSignal(starting, log);
  // One that comes back starts this component anew, with another secret.
  nucleus.onDisconnected(() => {
    log.error('the Greengrass nucleus is gone');
    stop(1);
  });
  const started = await starting;
  await nucleus.reportState('RUNNING');
  await started.ready;
  log.info({ event: 'ready', port: started.port }, 'ready');
}

void main();
