import { removeBeforeStack } from '../deploy/remove';
import { EdgeError } from '../../protocol';
import { isSet, type CommandHost, type CommandResult } from './command';

/**
 * `sls edge leave --yes`: what `sls remove` does before the stack goes. The stack stays: the next deployment,
 * without the `edge` section, takes the plugin's resources out of it.
 */
export async function leave(host: CommandHost): Promise<CommandResult> {
  if (!isSet(host.options, 'yes')) {
    throw new EdgeError('BAD_REQUEST', 'this cuts every edge and device of the service off', {
      expected: '"sls edge leave --yes"',
    });
  }
  await removeBeforeStack(host);
  return {
    json: { service: host.configuration().service, left: true },
    text: 'Take "edge" and the plugin out of serverless.yml now, and deploy: docs/leaving.md',
  };
}
