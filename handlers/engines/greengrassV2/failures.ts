import type { EffectiveDeployment, InstalledComponent } from '@aws-sdk/client-greengrassv2';
import { functionKey, type ErrorBody } from '../../../protocol';
import type { FunctionFailure } from '../engine';
import { functionOfComponent, type Components } from './components';

interface Deployed {
  component: string;
  function: string;
  version: string;
}

/**
 * Why a core failed a deployment. Source: AWS IoT Greengrass V2 developer guide, "Detailed deployment
 * error codes": the stack goes from the general to the special; `reason` has the nucleus' own words.
 */
export function deploymentError(deploymentId: string, effective: EffectiveDeployment): ErrorBody {
  const { coreDeviceExecutionStatus: status, reason, statusDetails } = effective;
  const stack = statusDetails?.errorStack ?? [];
  const why = [reason, stack.at(-1)].filter(Boolean).join(': ');
  return {
    code: status === 'TIMED_OUT' ? 'DEPLOYMENT_TIMED_OUT' : 'DEPLOYMENT_FAILED',
    message: `Greengrass deployment ${status}${why === '' ? '' : `: ${why}`}`,
    details: { deploymentId, errorStack: stack, errorTypes: statusDetails?.errorTypes ?? [] },
  };
}

/**
 * The function versions that made a deployment fail, as near as the reports allow: those that the reason
 * names, else those that are broken on the core, else those that it does not run. A core that rolled
 * back does not list what it rolled back.
 */
export function functionFailures(
  corePrefix: string,
  components: Components,
  error: ErrorBody,
  installed: readonly InstalledComponent[],
): Record<string, FunctionFailure> {
  const deployed = functionsOf(corePrefix, components);
  const stateOf = ({ component, version }: Deployed): string | undefined =>
    installed.find((each) => each.componentName === component && each.componentVersion === version)
      ?.lifecycleState;
  const named = deployed.filter(({ component }) => mentions(error.message, component));
  const broken = deployed.filter((each) => ['BROKEN', 'ERRORED'].includes(stateOf(each) ?? ''));
  // A core that lists nothing at all has not reported yet, and accuses nobody.
  const absent = installed.length === 0 ? [] : deployed.filter((each) => stateOf(each) === undefined);
  const culprits = [named, broken, absent].find((some) => some.length > 0) ?? [];
  return Object.fromEntries(
    culprits.map((each) => {
      const running = runningVersion(corePrefix, each, installed);
      return [functionKey(each.function, each.version), { error, ...(running && { running }) }];
    }),
  );
}

/**
 * The function versions of a deployment that Greengrass completed, and that broke all the same: it waits
 * for no component that runs, and one is broken when it has ended three times.
 */
export function brokenFunctions(
  corePrefix: string,
  components: Components,
  installed: readonly InstalledComponent[],
): Record<string, FunctionFailure> {
  return Object.fromEntries(
    functionsOf(corePrefix, components).flatMap((each) => {
      const found = installed.find(
        ({ componentName, componentVersion, lifecycleState }) =>
          componentName === each.component &&
          componentVersion === each.version &&
          lifecycleState === 'BROKEN',
      );
      if (found === undefined) return [];
      const { lifecycleStateDetails: why, lifecycleStatusCodes: codes = [] } = found;
      const message = `component ${each.component} is broken${why === undefined ? '' : `: ${why}`}`;
      const error: ErrorBody = { code: 'DEPLOYMENT_FAILED', message, details: { codes } };
      return [[functionKey(each.function, each.version), { error }]];
    }),
  );
}

function functionsOf(corePrefix: string, components: Components): Deployed[] {
  return Object.entries(components).flatMap(([component, { componentVersion }]) => {
    const name = functionOfComponent(corePrefix, component);
    return name === undefined || componentVersion === undefined
      ? []
      : [{ component, function: name, version: componentVersion }];
  });
}

/** As a name of its own: `…fn.detect` is no mention of `…fn.det`, and a sentence may end after it. */
function mentions(text: string, component: string): boolean {
  const escaped = component.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w.-])${escaped}(?![\\w-]|\\.\\w)`).test(text);
}

const RUNS = ['RUNNING', 'FINISHED', 'STARTING', 'INSTALLED'];

function runningVersion(
  corePrefix: string,
  failed: Deployed,
  installed: readonly InstalledComponent[],
): string | undefined {
  return installed.find(
    ({ componentName = '', componentVersion, lifecycleState = '' }) =>
      functionOfComponent(corePrefix, componentName) === failed.function &&
      componentVersion !== failed.version &&
      RUNS.includes(lifecycleState),
  )?.componentVersion;
}
