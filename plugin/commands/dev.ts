import path from 'node:path';
import type { CommandOptions, Serverless, Utils } from '../framework';

/** The part of the local cloud's bundle that this command calls. */
interface LocalModule {
  runDev(options: {
    serviceDir: string;
    stage: string;
    stateDir: string;
    packageDir?: string;
    verbose?: boolean;
    print(line: string): void;
  }): Promise<void>;
}

/**
 * `sls edge dev`: packages the service, deploys its compiled template to the local cloud, starts an
 * edge core per group, and stays up until it is interrupted.
 */
export async function dev(serverless: Serverless, options: CommandOptions, utils: Utils): Promise<void> {
  await serverless.pluginManager.spawn('package');
  const local = (await import(path.join(__dirname, '..', 'local', 'index.cjs'))) as {
    default?: LocalModule;
  } & LocalModule;
  await (local.default ?? local).runDev({
    serviceDir: serverless.serviceDir,
    stage: serverless.getProvider('aws').getStage(),
    stateDir: path.join(serverless.serviceDir, '.edge'),
    packageDir: path.resolve(serverless.serviceDir, options.package ?? '.serverless'),
    verbose: options['verbose'] === true,
    print: (line) => utils.writeText(line),
  });
}
