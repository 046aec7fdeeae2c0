import { z } from 'zod';
import { functionOfComponent } from './components';

/**
 * What Greengrass tells EventBridge. Source: AWS IoT Greengrass V2 developer guide, "Get deployment and
 * component health status notifications". Events come at least once, in any order, or not at all.
 */
const deploymentEventSchema = z.object({
  source: z.literal('aws.greengrass'),
  'detail-type': z.literal('Greengrass V2 Effective Deployment Status Change'),
  detail: z.object({ deploymentId: z.string() }),
});

const componentEventSchema = z.object({
  source: z.literal('aws.greengrass'),
  'detail-type': z.literal('Greengrass V2 Installed Component Status Change'),
  /** ARN of the core device. */
  resources: z.tuple([z.string()], z.string()),
  detail: z.object({ components: z.array(z.object({ componentName: z.string() })) }),
});

/** The deployment, or the core with a component of ours, that an event is about; undefined for any other event. */
export function subjectOf(
  corePrefix: string,
  event: unknown,
): { deploymentId: string } | { core: string } | undefined {
  const ofDeployment = deploymentEventSchema.safeParse(event).data;
  if (ofDeployment !== undefined) return { deploymentId: ofDeployment.detail.deploymentId };
  const ofComponents = componentEventSchema.safeParse(event).data;
  if (ofComponents === undefined) return undefined;
  const { detail, resources } = ofComponents;
  const ours = detail.components.some(
    ({ componentName }) => functionOfComponent(corePrefix, componentName) !== undefined,
  );
  const core = /:coreDevices:(.+)$/.exec(resources[0])?.[1];
  return ours && core !== undefined ? { core } : undefined;
}

/** Undefined for a deployment that this service did not make. */
export function groupOfDeploymentName(corePrefix: string, name: string): string | undefined {
  if (!name.startsWith(`${corePrefix} `)) return undefined;
  return /^([a-zA-Z0-9_-]{1,64}) revision \d+$/.exec(name.slice(corePrefix.length + 1))?.[1];
}
