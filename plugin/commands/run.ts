import { adviceOf, frameworkError, readable } from '../errors';
import { isSet, type Command, type CommandHost, type CommandResult } from './command';

/** Runs a command against the deployed service. */
export function runCommand(host: CommandHost, load: () => Promise<Command>): Promise<void> {
  return reportResult(host, () => withService(host, load));
}

/**
 * Prints what a command has to say. With `--json` a failure is a document too, that of the configuration
 * as well; either way the exit code is 1.
 */
export async function reportResult(
  host: CommandHost,
  work: () => Promise<CommandResult | undefined>,
): Promise<void> {
  const json = isSet(host.options, 'json');
  try {
    host.configuration();
    const result = await work();
    if (result === undefined) return;
    host.utils.writeText(json ? JSON.stringify(result.json, null, 2) : result.text);
    if (result.failed) process.exitCode = 1;
  } catch (thrown) {
    const error = readable(thrown);
    if (error === undefined) throw thrown;
    if (!json) throw frameworkError(host.serverless, error, adviceOf(error));
    host.utils.writeText(JSON.stringify({ error: { ...error.toJSON(), action: adviceOf(error) } }, null, 2));
    process.exitCode = 1;
  }
}

async function withService(host: CommandHost, load: () => Promise<Command>) {
  const { openService } = await import('./service');
  const service = await openService(host.serverless, { local: isSet(host.options, 'local') });
  try {
    const command = await load();
    return await command({ ...host, service });
  } finally {
    service.close();
  }
}
