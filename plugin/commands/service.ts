import path from 'node:path';
import type { OperatorAccess } from '../../operations/groups/changeGroup';
import type { OperatorConfig } from '../../operations/clients';
import type { StackFile } from '../../operations/stackFile';
import type { AwsProvider, SdkV2Credentials, Serverless } from '../framework';

/** A deployed service, on AWS or in the local cloud. */
export interface DeployedService extends OperatorAccess {
  stackName: string;
  region: string;
  config: OperatorConfig;
  /** The local cloud that `sls edge dev` runs here. */
  local?: StackFile;
  close: () => void;
}

/** Where `sls edge dev` and the commands keep what belongs to this service on this machine. */
export function stateFolder(serverless: Serverless): string {
  return path.join(serverless.serviceDir, '.edge');
}

/** What belongs to one stage on this machine. */
export function stageFolder({
  serverless,
  service,
}: {
  serverless: Serverless;
  service: DeployedService;
}): string {
  const name = service.local === undefined ? serverless.getProvider('aws').getStage() : 'local';
  return path.join(stateFolder(serverless), name);
}

/**
 * Finds the service by its stack's outputs; with `local` in the cloud of `sls edge dev`. Throws
 * NOT_FOUND when it is not deployed, CLOUD_UNREACHABLE when no local cloud runs, and SDK errors.
 */
export async function openService(
  serverless: Serverless,
  options: { local: boolean },
): Promise<DeployedService> {
  // The SDK's warning about old releases of Node.js would be the first thing that a user sees.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return options.local ? openLocal(serverless) : openAws(serverless);
}

async function openLocal(serverless: Serverless): Promise<DeployedService> {
  const { readStackFile, STACK_FILE } = await import('../../operations/stackFile');
  const { configOfEnvironment } = await import('../../operations/clients');
  const local = await readStackFile(path.join(stateFolder(serverless), STACK_FILE));
  const { stackName, outputs } = local;
  return { ...(await open(stackName, configOfEnvironment(local.environment), outputs)), local };
}

async function openAws(serverless: Serverless): Promise<DeployedService> {
  const { readStackOutputs } = await import('../../operations/cloudFormation');
  const provider = serverless.getProvider('aws');
  const config = await awsConfig(provider);
  const { stackName, outputs } = await readStackOutputs(config, provider.naming.getStackName());
  return open(stackName, config, outputs);
}

async function open(
  stackName: string,
  config: OperatorConfig,
  outputs: Record<string, string>,
): Promise<DeployedService> {
  const { createOperatorWith } = await import('../../operations/operator');
  const { serviceOutputs } = await import('../../operations/outputs');
  const operator = createOperatorWith(config);
  return {
    stackName,
    region: config.region,
    config,
    operator,
    outputs: serviceOutputs(outputs),
    close: () => operator.close(),
  };
}

/** Region and credentials as the framework resolved them: profile, environment, single sign-on, role. */
async function awsConfig(provider: AwsProvider): Promise<OperatorConfig> {
  const region = provider.getRegion();
  if (provider.getAwsSdkV3Config !== undefined) {
    const { credentials, ...client } = await provider.getAwsSdkV3Config();
    return { region, client, credentials: credentials as OperatorConfig['credentials'] };
  }
  const { credentials } = provider.getCredentials?.() ?? {};
  return { region, credentials: credentials && (() => resolved(credentials)) };
}

/** SDK v2 fills in the fields of the object; SDK v3 wants them when it asks. */
async function resolved(credentials: SdkV2Credentials) {
  await credentials.getPromise?.();
  const { accessKeyId, secretAccessKey, sessionToken, expireTime } = credentials;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    ...(expireTime && { expiration: expireTime }),
  };
}
