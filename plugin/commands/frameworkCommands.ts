import { EdgeError } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { Serverless } from '../framework';
import { takeOutEdgeOnly } from '../packaging/edgeOnly';
import { isEdgeOnly } from '../packaging/functionConfig';

/** Commands of the framework, and of a plugin of many, that ask Lambda about functions; and what tells of edges. */
const ASK_LAMBDA: Record<string, string> = {
  info: 'sls edge functions',
  'deploy list functions': 'sls edge functions',
  invoke: 'sls edge invoke --function <name> --device <device>, or "sls invoke local"',
  logs: 'sls edge logs --function <name>',
  metrics: 'sls edge status',
  'rollback function': 'sls edge status',
  prune: 'sls edge functions',
};

/**
 * Functions that run on edges only are none of these commands' business: asked for one by name they point to
 * the command that knows it, and without a name they are about the others. Throws UNSUPPORTED.
 */
export function edgeOnlyInCommands(
  serverless: Serverless,
  configuration: EdgeConfiguration,
  asked: string | undefined,
): void {
  const command = serverless.processedInput.commands.join(' ');
  const instead = ASK_LAMBDA[command];
  if (instead === undefined) return;
  if (asked !== undefined && isEdgeOnly(asked, configuration)) {
    throw new EdgeError('UNSUPPORTED', `${asked} runs on edges only: Lambda knows nothing of it`, {
      expected: instead.replace('<name>', asked),
    });
  }
  const names = Object.keys(takeOutEdgeOnly(serverless, configuration));
  if (command === 'info' && names.length > 0) {
    serverless.addServiceOutputSection('edge functions', [...names, `more: ${instead}`]);
  }
}
