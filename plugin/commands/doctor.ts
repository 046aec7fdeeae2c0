import semver from 'semver';
import { attempt, checkService, failed, ok, type Check } from '../../operations/inspection/checks';
import { isSet, type CommandHost, type CommandResult } from './command';
import { table } from './format';
import { readable } from '../errors';
import { openService, type DeployedService } from './service';

const NODE_RANGE = '>=20.19';
const FRAMEWORK_RANGE = '>=3.40 <5';

/** `sls edge doctor`: every check, also where one before it failed. Exit code 1 when one failed. */
export async function doctor(host: CommandHost): Promise<CommandResult> {
  const opened: { service?: DeployedService } = {};
  const checks = [nodeCheck(), frameworkCheck(host), await stackCheck(host, opened)];
  try {
    if (opened.service !== undefined) checks.push(...(await checkService(opened.service)));
  } finally {
    opened.service?.close();
  }
  const wrong = checks.some(({ state }) => state === 'failed');
  return { json: { ok: !wrong, checks }, text: textOf(checks), failed: wrong };
}

function nodeCheck(): Check {
  const { version } = process;
  if (semver.satisfies(version, NODE_RANGE)) return ok('Node.js', version);
  return failed('Node.js', version, `install a version ${NODE_RANGE}`);
}

function frameworkCheck({ serverless }: CommandHost): Check {
  const version = serverless.getVersion();
  if (semver.satisfies(version, FRAMEWORK_RANGE, { includePrerelease: true })) {
    return ok('Serverless Framework', version);
  }
  return failed('Serverless Framework', version, `install osls 4, osls 3 or serverless 3.40`);
}

/** Credentials show in the first call that needs them. */
function stackCheck(host: CommandHost, opened: { service?: DeployedService }): Promise<Check> {
  const name = 'credentials and stack';
  return attempt(name, 'check the credentials and the region', async () => {
    try {
      const service = await openService(host.serverless, { local: isSet(host.options, 'local') });
      opened.service = service;
      return ok(name, `${service.stackName} in ${service.region}`);
    } catch (thrown) {
      const error = readable(thrown);
      if (error === undefined) throw thrown;
      return failed(name, error.message, error.expected ?? error.action);
    }
  });
}

const MARKS = { ok: 'ok', warning: '!', failed: 'FAILED' } as const;

function textOf(checks: readonly Check[]): string {
  const rows = checks.map(({ name, state, found, action }) => [
    MARKS[state],
    name,
    action === undefined ? found : `${found}\n→ ${action}`,
  ]);
  return table(['', 'check', 'found'], rows);
}
