import path from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { EdgeError } from '../../../protocol';
import type { CoreConfig } from '../../../protocol/coreConfig';
import { startCore } from '../../core';
import { prepareDeviceBroker } from '../../devices/broker/broker';
import { createCoreLog, fail, stopOnSignal, tellMachines } from '../coreProcess';
import { readConfigFile } from './configFile';
import { connectByCertificate } from './connection';

/**
 * `node core.cjs --config <file>`: an edge core as a process of its own. JSON lines on stdout; those
 * with an `event` are for machines: listening, exchange (with EDGE_TRACE=1), reconciled, ready, stopped.
 */
async function main(): Promise<void> {
  const config = readConfig();
  const { log, shipper } = createCoreLog(config);
  try {
    const openDevices = await prepareDeviceBroker(config.listen);
    const starting = startCore(config, {
      ...{ log, shipper },
      // Bundled beside this script.
      processScript: path.join(__dirname, 'functionProcess.cjs'),
      connect: () => connectByCertificate(config, log),
      openDevices,
      ...tellMachines(config.core, log),
    });
    stopOnSignal(starting, log);
    const core = await starting;
    await core.ready;
    log.info({ event: 'ready', port: core.port }, 'ready');
  } catch (error) {
    fail(log, error);
  }
}

function readConfig(): CoreConfig {
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' } } });
    if (values.config === undefined) throw new EdgeError('CONFIG_INVALID', 'usage: core --config <file>');
    return readConfigFile(path.resolve(values.config));
  } catch (error) {
    return fail(pino(), error);
  }
}

void main();
