import path from 'node:path';
import { isSet, type CommandHost } from '../commands/command';
import { adviceOf, frameworkError, readable } from '../errors';
import { guardLeaving, LEAVE_BEHIND } from './leaving';

/** Option of `sls deploy` itself. */
export const DEPLOY_COMMANDS = {
  deploy: {
    options: {
      'edge-upload-only': {
        usage: 'Upload function packages and wait for nothing; edges follow with "sls edge deploy"',
        type: 'boolean',
      },
      [LEAVE_BEHIND]: {
        usage: 'Without an "edge" section: leave buckets, certificates and things behind',
        type: 'boolean',
      },
    },
  },
} as const;

/** What the plugin does for a service that has no `edge` section any more. */
export function leavingHooks(host: CommandHost): Record<string, () => Promise<void>> {
  return Object.fromEntries(
    ['before:deploy:deploy', 'before:remove:remove'].map((event) => [
      event,
      () => reporting(host, () => guardLeaving(host)),
    ]),
  );
}

/** What the plugin does around the framework's own deployment and removal. */
export function deployHooks(host: CommandHost): Record<string, () => Promise<void>> {
  return {
    'before:deploy:function:initialize': () => reporting(host, () => deployFunction(host)),
    'after:deploy:deploy': () => reporting(host, () => afterDeploy(host)),
    'before:remove:remove': () => reporting(host, () => beforeRemove(host)),
  };
}

async function afterDeploy(host: CommandHost): Promise<void> {
  const { openService } = await import('../commands/service');
  const service = await openService(host.serverless, { local: false });
  try {
    const packageDir = packageDirectory(host);
    if (isSet(host.options, 'edge-upload-only')) {
      const { uploadOnly } = await import('./uploadOnly');
      host.utils.log.notice(await uploadOnly(service, packageDir));
      return;
    }
    const { rollOutService, rollOutText } = await import('./rollOutService');
    const done = await rollOutService(service, { packageDir, utils: host.utils });
    host.utils.log.notice();
    host.utils.writeText(rollOutText(done, service));
  } finally {
    service.close();
  }
}

async function deployFunction(host: CommandHost): Promise<void> {
  const { deployEdgeFunction } = await import('./edgeFunction');
  await deployEdgeFunction(host);
}

async function beforeRemove(host: CommandHost): Promise<void> {
  const { removeBeforeStack } = await import('./remove');
  await removeBeforeStack(host);
}

/** As the framework itself decides it. */
function packageDirectory({ serverless, options }: CommandHost): string {
  const directory = options.package ?? serverless.service.package.path ?? '.serverless';
  return path.resolve(serverless.serviceDir, directory);
}

async function reporting(host: CommandHost, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = readable(thrown);
    throw error === undefined ? thrown : frameworkError(host.serverless, error, adviceOf(error));
  }
}
