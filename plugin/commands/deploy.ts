import path from 'node:path';
import { reannounce } from '../../operations/groups/reannounce';
import { rollOutService, rollOutText } from '../deploy/rollOutService';
import { flag, text, type CommandContext, type CommandResult } from './command';

/**
 * `sls edge deploy [--group] [--package] [--prune]`: what follows `sls deploy`, without CloudFormation. A group in
 * which nothing changed is announced to its edge once more.
 */
export async function deploy(context: CommandContext): Promise<CommandResult> {
  const { serverless, options, service, utils } = context;
  const directory = text(options, 'package');
  if (directory === undefined) await serverless.pluginManager.spawn('package');
  const only = text(options, 'group');
  const done = await rollOutService(service, {
    packageDir: path.resolve(serverless.serviceDir, directory ?? '.serverless'),
    prune: flag(options, 'prune'),
    utils,
    ...(only !== undefined && { groups: [only] }),
  });
  const unchanged = done.groups.filter(({ changes }) => changes.length === 0);
  await Promise.all(unchanged.map(({ group }) => reannounce(service, group)));
  return { json: done, text: rollOutText(done, service) };
}
