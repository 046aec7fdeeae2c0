import pino from 'pino';
import { whenParentIsGone } from '../../lib/endWithParent';
import { readConfig } from './config';
import { startNucleus } from './nucleus';

/**
 * `node nucleus.cjs --config <file>`. JSON lines on stdout: its own log, `nucleus` when it is up, `component`
 * and `deployment` events, and the lines of components as they are when they are JSON with an `event`.
 */
async function main(): Promise<void> {
  const file = process.argv[process.argv.indexOf('--config') + 1];
  if (!process.argv.includes('--config') || file === undefined)
    throw new Error('usage: nucleus.cjs --config <file>');
  const { config, identity } = await readConfig(file);
  const log = pino({ level: config.logLevel, name: 'nucleus' }, pino.destination({ dest: 1, sync: true }));
  const nucleus = await startNucleus({
    config,
    identity,
    log,
    onEvent: (event) => log.info(event, 'event'),
    onComponentLine(component, line) {
      if (line.startsWith('{')) process.stdout.write(`${line}\n`);
      else log.info({ component }, line);
    },
  });
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= nucleus.close().then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  whenParentIsGone(stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
