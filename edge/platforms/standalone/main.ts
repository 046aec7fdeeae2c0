import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { EdgeError, parseJsonWith } from '../../../protocol';
import { coreConfigSchema, type CoreConfig } from '../../../protocol/coreConfig';
import { startCore } from '../../core';
import { prepareDeviceBroker } from '../../devices/broker/broker';
import { createCoreLog, fail, stopOnSignal, tellMachines } from '../coreProcess';
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
      region: config.upstream.region,
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

/** Reads a core's configuration; its paths become absolute. Throws one EdgeError that names what is wrong. */
function readConfigFile(file: string): CoreConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new EdgeError('CONFIG_INVALID', `${file}: ${(error as Error).message}`, { cause: error });
  }
  const config = parseJsonWith(coreConfigSchema, text, file, 'CONFIG_INVALID');
  const at = (relative: string) => path.resolve(path.dirname(file), relative);
  const { listen, upstream } = config;
  return {
    ...config,
    stateDir: at(config.stateDir),
    listen: { ...listen, certificate: at(listen.certificate), privateKey: at(listen.privateKey) },
    upstream: {
      ...upstream,
      certificate: at(upstream.certificate),
      privateKey: at(upstream.privateKey),
      ...(upstream.ca !== undefined && { ca: at(upstream.ca) }),
    },
  };
}

void main();
