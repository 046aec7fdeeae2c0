import pino, { type Logger } from 'pino';
import { EdgeError } from '../../protocol';
import { whenParentIsGone } from '../../lib/endWithParent';
import { LogShipper } from '../cloud/logShipper';
import type { CoreSettings } from '../../protocol/coreConfig';
import type { CoreParts, EdgeCore } from '../core';
import { traceExchanges } from '../trace';

/** What every core process does, whoever started it: JSON lines on stdout, signals, exit codes. */
const FORCED_EXIT_MS = 10_000;

/** A logger to stdout, and the shipper that takes the same lines upstream. */
export function createCoreLog({ core, logLevel }: Pick<CoreSettings, 'core' | 'logLevel'>): {
  log: Logger;
  shipper: LogShipper;
} {
  const shipper = new LogShipper();
  const streams = [pino.destination(1), shipper].map((stream) => ({ level: 'trace' as const, stream }));
  return { log: pino({ level: logLevel, base: { core } }, pino.multistream(streams)), shipper };
}

/**
 * Lines with an `event` field are for machines: listening, reconciled, … and with EDGE_TRACE=1 each exchange
 * with devices and the cloud.
 */
export function tellMachines(core: string, log: Logger): Pick<CoreParts, 'onEvent'> {
  if (process.env['EDGE_TRACE'] === '1' && log.isLevelEnabled('info')) {
    traceExchanges(core, (exchange) => log.info({ event: 'exchange', exchange }));
  }
  return { onEvent: (event) => log.info(event, event.event) };
}

/**
 * From the first moment on: a core that is still starting stops as soon as it has started. The result
 * stops it with an exit code, for another reason than a signal.
 */
export function stopOnSignal(starting: Promise<EdgeCore>, log: Logger): (code: number) => void {
  let stopping = false;
  const stop = (code: number) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), FORCED_EXIT_MS).unref();
    starting
      .then((core) => core.close())
      .then(
        () => {
          log.info({ event: 'stopped' }, 'stopped');
          process.exit(code);
        },
        (error: unknown) => fail(log, error),
      );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'stopping');
      stop(0);
    });
  }
  whenParentIsGone(() => {
    log.info('stopping: the process that started this one is gone');
    stop(0);
  });
  return stop;
}

export function fail(log: Logger, error: unknown): never {
  const { code, message, field, expected } = EdgeError.from(error);
  log.fatal({ code, field, expected }, message);
  process.exit(1);
}
