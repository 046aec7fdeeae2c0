import type { Logger } from 'pino';
import { backgroundClock, type Clock } from '../../../lib/clock';
import { createCloud } from '../../cloud/cloud';
import { createTokenExchange } from '../../cloud/credentials';
import { createHttpClient } from '../../cloud/http';
import { createSignedHttp } from '../../cloud/signedHttp';
import type { Cloud } from '../../ports';
import { readEnvironment, type V1Environment } from './environment';
import type { V1LambdaContext } from './messages';
import type { CoreSdk } from './sdk';

/** What the edge system functions of a V1 core are made of. */
export interface V1Parts {
  environment: V1Environment;
  sdk: CoreSdk;
  cloud: Cloud;
  clock: Clock;
  log: Logger;
  random?: () => number;
}

type Callback = (error?: unknown, output?: unknown) => void;

/** What a Lambda function on a V1 core is made of, from the environment that the engine gave it. */
export function v1Parts(functionName: string, sdk: CoreSdk): V1Parts {
  const environment = readEnvironment(process.env);
  const { group, core } = environment;
  const log = createLog({ function: functionName, group, core }, (line) => console.log(line));
  return {
    environment,
    sdk,
    log,
    clock: backgroundClock,
    cloud: cloudOf(environment),
  };
}

/** In the form that a V1 core calls. A failure is logged and is the invocation's: there is nobody to answer. */
export function asHandler(
  { log }: Pick<V1Parts, 'log'>,
  handle: (event: unknown, context: V1LambdaContext) => Promise<void>,
): (event: unknown, context: V1LambdaContext, callback: Callback) => void {
  return (event, context, callback) => {
    handle(event, context).then(
      () => callback(),
      (err: unknown) => {
        log.error({ err }, 'failed');
        callback(err);
      },
    );
  };
}

/** The cloud's HTTP routes with the role of the Greengrass group. */
function cloudOf({ group, httpUrl, region }: V1Environment): Cloud {
  const http = createHttpClient();
  const credentials = createTokenExchange({ variables: process.env, http, clock: backgroundClock });
  const signed = createSignedHttp({ region, service: 'execute-api', credentials, http });
  return createCloud({ group, httpUrl, signed, http });
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * JSON lines on stdout, which the core's loggers take, in the shape of pino: pino itself needs a newer
 * Node than a V1 core has.
 */
function createLog(base: object, write: (line: string) => void): Logger {
  const line =
    (level: (typeof LEVELS)[number]) =>
    (fields: unknown, message?: string): void => {
      const known = typeof fields === 'string' ? { msg: fields } : { ...readable(fields), msg: message };
      write(JSON.stringify({ level, time: Date.now(), ...base, ...known }));
    };
  const log = {
    ...Object.fromEntries(LEVELS.map((level) => [level, line(level)])),
    debug: () => undefined,
    trace: () => undefined,
    child: (more: object) => createLog({ ...base, ...more }, write),
  };
  return log as unknown as Logger;
}

function readable(fields: unknown): object {
  const { err, ...rest } = (fields ?? {}) as { err?: unknown };
  if (!(err instanceof Error)) return { ...rest, ...(err === undefined ? {} : { err }) };
  return { ...rest, err: { message: err.message, stack: err.stack } };
}
