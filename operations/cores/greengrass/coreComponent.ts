import { coreComponentName, greengrassDeploymentName, type GroupDefinition } from '../../../protocol';
import type { CoreConfigurationInput } from '../../../protocol/greengrass/coreConfiguration';
import type { OperatorAccess } from '../../groups/changeGroup';
import type { PollOptions } from '../../poll';
import { uploadArtifacts, type ArtifactSources } from './artifacts';
import { ensureComponentVersion } from './componentVersion';
import { coreComponentConfiguration } from './configuration';
import { deployCore, type DeployedCore } from './deployment';
import { coreRecipe } from './recipe';
import { thingArnOf } from '../../things/things';

export interface CoreComponentOptions extends ArtifactSources {
  /** Of the group: its delivery and target are deployed, and its revision is what the core begins with. */
  definition: GroupDefinition;
  /** Thing name of the core device. */
  core: string;
  region: string;
  connectivityUrl?: string;
  /** PEM of an authority of the cloud's servers beside those that Node.js trusts. */
  cloudCa?: string;
  /** How devices reach the core; `broker` unless told, which takes `listen`, on the node. */
  devices?: CoreConfigurationInput['devices'];
  listen?: CoreConfigurationInput['listen'];
  /** What an operator seldom sets. */
  settings?: Pick<CoreConfigurationInput, 'poolSize' | 'heartbeat' | 'logLevel'>;
}

export interface DeployedComponent extends DeployedCore {
  component: string;
  version: string;
  targetArn: string;
}

/**
 * Brings the edge core to a Greengrass V2 core device as a component: artifacts into the functions
 * bucket, a component version where its recipe is new, a deployment where the target has not all of it
 * yet. Throws NOT_FOUND (no such thing, or no IPC client to pass on), DEPLOYMENT_FAILED, CONFLICT.
 */
export async function deployCoreComponent(
  access: OperatorAccess,
  options: CoreComponentOptions,
  pollOptions: PollOptions = {},
): Promise<DeployedComponent> {
  const { operator, outputs } = access;
  const { definition, core, region, devices, listen, connectivityUrl, cloudCa, settings } = options;
  const { group, revision, engine } = definition;
  const { corePrefix, functionsBucket, devicePrefix } = outputs;
  const thingArn = await thingArnOf(access.operator.clients.iot, core);
  const artifacts = await uploadArtifacts(access, options);
  const component = coreComponentName(corePrefix);
  const version = await ensureComponentVersion(
    operator.clients.greengrass,
    componentArn(thingArn, component),
    (each) => coreRecipe(each, { corePrefix, functionsBucket, artifacts: artifacts.core }),
    pollOptions,
  );
  const targetArn = engine?.targetArn ?? thingArn;
  const configuration = coreComponentConfiguration(core, {
    ...{ group, corePrefix, devicePrefix, region, revision, ...settings },
    ...(devices !== undefined && { devices }),
    ...(listen !== undefined && { listen }),
    ...{ delivery: engine?.delivery ?? 'hot', httpUrl: outputs.httpApiUrl, host: artifacts.host },
    ...(connectivityUrl !== undefined && { connectivityUrl }),
    ...(cloudCa !== undefined && { ca: cloudCa }),
  });
  const name = greengrassDeploymentName(corePrefix, group, revision);
  const deployment = { targetArn, name, core, component, version, configuration };
  return { ...(await deployCore(operator.clients.greengrass, deployment)), component, version, targetArn };
}

/** Of the thing's partition, region and account. */
function componentArn(thingArn: string, component: string): string {
  const [arn, partition, , region, account] = thingArn.split(':');
  return [arn, partition, 'greengrass', region, account, 'components', component].join(':');
}
