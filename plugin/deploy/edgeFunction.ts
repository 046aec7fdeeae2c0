import type { CommandHost } from '../commands/command';
import { isEdgeOnly } from '../packaging/functionConfig';
import { edgeDirectory } from '../packaging/packaging';

/** The framework ends `deploy function` with this as well. */
const LAST_STEP = 'aws:common:cleanupTempDir';

/**
 * `sls deploy function -f <edge-only function>`: there is no Lambda function to update, so the function is
 * packaged and registered, and the framework's own steps are left out. Throws what the package is refused
 * for.
 */
export async function deployEdgeFunction(host: CommandHost): Promise<void> {
  const { serverless, options, utils } = host;
  const name = options.function;
  const configuration = host.configuration();
  if (name === undefined || !Object.hasOwn(configuration.section.functions, name)) return;
  if (!isEdgeOnly(name, configuration)) {
    if (configuration.section.functions[name]?.locations?.includes('edge')) {
      utils.log.warning(`${name}: only its Lambda function is updated; its edges follow with "sls deploy"`);
    }
    return;
  }
  await packageAll(host);
  utils.log.notice(await register(host, name));
  await serverless.pluginManager.spawn(LAST_STEP, { terminateLifecycleAfterExecution: true });
}

/** Bundlers take `--function` for all that there is to package, and the rest would have no artifact. */
async function packageAll({ serverless, options }: CommandHost): Promise<void> {
  const name = options.function;
  delete options.function;
  try {
    await serverless.pluginManager.spawn('package');
  } finally {
    if (name !== undefined) options.function = name;
  }
}

async function register({ serverless }: CommandHost, name: string): Promise<string> {
  const { readDeployManifest, readPackagedFunction } =
    await import('../../operations/packages/deployManifest');
  const { registerChanged } = await import('../../operations/packages/registerPackages');
  const { openService } = await import('../commands/service');
  const directory = edgeDirectory(serverless);
  const { packages } = await readDeployManifest(directory);
  const service = await openService(serverless, { local: false });
  try {
    const own = packages.filter((each) => each.name === name);
    const registered = await registerChanged(
      service,
      await Promise.all(
        own.map(async (each) => ({ name: each.name, bytes: await readPackagedFunction(directory, each) })),
      ),
    );
    return registered
      .map(({ version, changed }) =>
        changed
          ? `${name}@${version} is registered; groups that preload it follow with "sls edge deploy"`
          : `${name}@${version} is registered already: nothing has changed`,
      )
      .join('\n');
  } finally {
    service.close();
  }
}
