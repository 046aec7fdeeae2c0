import path from 'node:path';
import { EdgeError } from '../../protocol';
import type { Serverless, Utils } from '../framework';
import { isSet, list, text, type CommandHost } from './command';
import { stateFolder } from './service';

/** The part of the local cloud's bundle that this command calls. */
interface LocalModule {
  runDev(options: {
    serviceDir: string;
    stage: string;
    stateDir: string;
    args: readonly string[];
    print(line: string): void;
    progress: { show(text: string): void; hide(): void };
    quiet: boolean;
    verbose: boolean;
    logs?: readonly string[];
    host?: string;
    port?: number;
  }): Promise<void>;
}

/**
 * `sls edge dev`: packages the service, deploys its compiled template to the local cloud, starts an edge core
 * per group, and brings there what is saved, until it is interrupted.
 */
export async function dev({ serverless, options, utils }: CommandHost): Promise<void> {
  const host = text(options, 'host');
  const port = portOf(text(options, 'port'));
  const logs = list(options, 'logs');
  const local = (await import(path.join(__dirname, '..', 'local', 'index.cjs'))) as {
    default?: LocalModule;
  } & LocalModule;
  await (local.default ?? local).runDev({
    serviceDir: serverless.serviceDir,
    stage: serverless.getProvider('aws').getStage(),
    stateDir: stateFolder(serverless),
    args: passedOn(serverless),
    print: (line) => utils.writeText(line),
    progress: progressOf(utils),
    quiet: isSet(options, 'quiet'),
    verbose: isSet(options, 'verbose'),
    ...(logs.length > 0 && { logs }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
  });
}

/** Ports of the groups after the first follow it. */
const HIGHEST_PORT = 65_435;

function portOf(port: string | undefined): number | undefined {
  if (port === undefined) return undefined;
  const number = /^\d+$/.test(port) ? Number(port) : 0;
  if (number >= 1 && number <= HIGHEST_PORT) return number;
  throw new EdgeError('BAD_REQUEST', `--port: found "${port}"`, {
    field: '--port',
    expected: `a number from 1 to ${HIGHEST_PORT}`,
  });
}

/** Of this command line, what decides how the service is read. */
const OF_THE_SERVICE = ['config', 'region', 'param', 'aws-profile'];

function passedOn({ processedInput }: Serverless): string[] {
  return OF_THE_SERVICE.flatMap((name) => {
    const given = processedInput.options[name];
    const values = Array.isArray(given) ? (given as unknown[]) : [given];
    return values.flatMap((value) => (typeof value === 'string' ? [`--${name}`, value] : []));
  });
}

/** Without a terminal the framework shows no progress: then each step is told once. */
function progressOf({ progress, writeText }: Utils): { show: (text: string) => void; hide: () => void } {
  if (process.stdout.isTTY) {
    const line = progress.get('edge dev');
    return { show: (text) => line.notice(text), hide: () => line.remove() };
  }
  let last = '';
  return {
    show(text) {
      const step = text.replace(/ \(\d+ s\).*$/, '');
      if (step !== last) writeText(`${step} …`);
      last = step;
    },
    hide() {
      last = '';
    },
  };
}
