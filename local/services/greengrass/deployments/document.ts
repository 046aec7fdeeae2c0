import type { GreengrassContext } from '../context';
import { targetIsThing } from './queue';
import type { StoredDeployment, ExecutionRecord } from './schema';

/** What a core gets: the deployment, or all but the configuration where that is too large for its channel. */
export interface DeploymentDocument {
  deploymentId: string;
  deploymentName: string;
  targetArn: string;
  revisionId: string;
  createdAt: number;
  deploymentPolicies: StoredDeployment['deploymentPolicies'];
  components: StoredDeployment['components'];
  requiredCapabilities: 'LARGE_CONFIGURATION'[];
}

/** Bytes: documents of a shadow and of a job (AWS IoT Greengrass V2 endpoints and quotas). */
const LARGEST_FOR_THING = 7 * 1024;
const LARGEST_FOR_GROUP = 31 * 1024;

export function needsDownload({ components, targetArn }: StoredDeployment): boolean {
  const most = targetIsThing(targetArn) ? LARGEST_FOR_THING : LARGEST_FOR_GROUP;
  return Buffer.byteLength(JSON.stringify(components)) > most;
}

export function documentOf(
  { deployments }: GreengrassContext,
  { deploymentId }: ExecutionRecord,
): DeploymentDocument {
  const deployment = deployments.require(deploymentId);
  const { deploymentName, targetArn, revisionId, createdAt, deploymentPolicies, components } = deployment;
  const large = needsDownload(deployment);
  return {
    deploymentId,
    deploymentName,
    targetArn,
    revisionId,
    createdAt,
    deploymentPolicies,
    components: large ? withoutConfiguration(components) : components,
    requiredCapabilities: large ? ['LARGE_CONFIGURATION'] : [],
  };
}

function withoutConfiguration(components: StoredDeployment['components']): StoredDeployment['components'] {
  return Object.fromEntries(
    Object.entries(components).map(([name, { componentVersion }]) => [name, { componentVersion }]),
  );
}
