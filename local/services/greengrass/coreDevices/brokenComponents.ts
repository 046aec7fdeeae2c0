import type { GreengrassContext } from '../context';
import type { InstalledComponent } from './store';

const TOLD = ['ERRORED', 'BROKEN'];

/**
 * Tells the event bus of components that came into a state of error since the core's last report. Source:
 * AWS IoT Greengrass V2 developer guide, "Component status change event".
 */
export function tellBroken(
  { arns, putEvent }: GreengrassContext,
  core: string,
  before: readonly InstalledComponent[],
  now: readonly InstalledComponent[],
): void {
  const stateBefore = new Map(before.map((one) => [`${one.componentName}:${one.componentVersion}`, one]));
  const components = now.filter(({ componentName, componentVersion, lifecycleState, changedAt }) => {
    const known = stateBefore.get(`${componentName}:${componentVersion}`);
    const isNew = known?.lifecycleState !== lifecycleState || known.changedAt !== changedAt;
    return isNew && TOLD.includes(lifecycleState);
  });
  if (components.length === 0) return;
  putEvent({
    source: 'aws.greengrass',
    detailType: 'Greengrass V2 Installed Component Status Change',
    resources: [arns.coreDevice(core)],
    detail: {
      components: components.map((one) => ({
        componentName: one.componentName,
        componentVersion: one.componentVersion,
        root: one.isRoot,
        lifecycleState: one.lifecycleState,
        lifecycleStatusCodes: one.lifecycleStatusCodes ?? [],
        lifecycleStateDetails: one.lifecycleStateDetails ?? '',
      })),
    },
  });
}
