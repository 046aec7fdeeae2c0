import path from 'node:path';
import { parseArgs } from 'node:util';
import pino, { type Logger } from 'pino';
import { EdgeError } from '../../../protocol';
import type { CoreConfig } from '../../config';
import { startCore, type EdgeCore } from '../../core';
import { readConfigFile } from './configFile';

/**
 * `node core.cjs --config <file>`: an edge core as a process of its own. JSON lines on stdout; those
 * with an `event` are for machines: listening, exchange (with EDGE_TRACE=1), reconciled, ready, stopped.
 */
const FORCED_EXIT_MS = 10_000;

async function main(): Promise<void> {
  const early = pino();
  let config: CoreConfig;
  try {
    config = readConfigFile(configPath());
  } catch (error) {
    fail(early, error);
    return;
  }
  const log = pino({ level: config.logLevel, base: { core: config.core } });
  try {
    const starting = start(config, log);
    stopOnSignal(starting, log);
    const core = await starting;
    await core.ready;
    log.info({ event: 'ready', port: core.port }, 'ready');
  } catch (error) {
    fail(log, error);
  }
}

function configPath(): string {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) throw new EdgeError('CONFIG_INVALID', 'usage: core --config <file>');
  return path.resolve(values.config);
}

function start(config: CoreConfig, log: Logger): Promise<EdgeCore> {
  const traced = process.env['EDGE_TRACE'] === '1' && log.isLevelEnabled('info');
  return startCore(config, {
    log,
    // Bundled beside this script.
    processScript: path.join(__dirname, 'functionProcess.cjs'),
    onEvent: (event) => log.info(event, event.event),
    ...(traced && { trace: (exchange) => log.info({ event: 'exchange', exchange }) }),
  });
}

/** From the first moment on: a core that is still starting stops as soon as it has started. */
function stopOnSignal(starting: Promise<EdgeCore>, log: Logger): void {
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), FORCED_EXIT_MS).unref();
    starting
      .then((core) => core.close())
      .then(
        () => {
          log.info({ event: 'stopped' }, 'stopped');
          process.exit(0);
        },
        (error: unknown) => fail(log, error),
      );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
}

function fail(log: Logger, error: unknown): void {
  const { code, message, field, expected } = EdgeError.from(error);
  log.fatal({ code, field, expected }, message);
  process.exit(1);
}

void main();
