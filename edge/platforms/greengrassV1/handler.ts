import { backgroundClock } from '../../../lib/clock';
import { connectV1Cloud } from './cloud';
import type { V1Parts } from './edgeCoreMonitor';
import { readEnvironment } from './environment';
import { createV1Log } from './log';
import type { V1Context } from './messages';
import type { CoreSdk } from './sdk';

type Callback = (error?: unknown, output?: unknown) => void;

/** What a Lambda function on a V1 core is made of, from the environment that the engine gave it. */
export function v1Parts(functionName: string, sdk: CoreSdk): V1Parts {
  const environment = readEnvironment(process.env);
  const { group, core } = environment;
  const log = createV1Log({ function: functionName, group, core }, (line) => console.log(line));
  return {
    environment,
    sdk,
    log,
    clock: backgroundClock,
    cloud: connectV1Cloud(environment, process.env, backgroundClock),
  };
}

/** In the form that a V1 core calls. A failure is logged and is the invocation's: there is nobody to answer. */
export function asHandler(
  { log }: Pick<V1Parts, 'log'>,
  handle: (event: unknown, context: V1Context) => Promise<void>,
): (event: unknown, context: V1Context, callback: Callback) => void {
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
