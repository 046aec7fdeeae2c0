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
 * Types of errors that lie in a component. All others (`DEVICE_ERROR`, `NETWORK_ERROR`, `HTTP_ERROR`,
 * `PERMISSION_ERROR`, `NUCLEUS_ERROR`, `SERVER_ERROR`, `CLOUD_SERVICE_ERROR`, …) lie in the device, the
 * account or the moment, also where their reason names the component at which it came out. Source: as
 * above, and the nucleus' `DeploymentErrorCode`, which tells which code is of which type.
 */
const OF_COMPONENTS: ReadonlySet<string> = new Set([
  'USER_COMPONENT_ERROR',
  'COMPONENT_ERROR',
  'COMPONENT_RECIPE_ERROR',
  'DEPENDENCY_ERROR',
]);

/** Whether a deployment of the same components would fail again. A nucleus before 2.8.0 reports no types. */
export function liesInComponents({ statusDetails }: EffectiveDeployment): boolean {
  const types = statusDetails?.errorTypes ?? [];
  return types.length > 0 && types.every((type) => OF_COMPONENTS.has(type));
}

/**
 * Whether a component that the reason names is to blame: `REQUEST_ERROR` is the type of an artifact that
 * is not there any more as well.
 */
function mayLieInNamed({ statusDetails }: EffectiveDeployment): boolean {
  const types = statusDetails?.errorTypes ?? [];
  return types.every((type) => OF_COMPONENTS.has(type) || type === 'REQUEST_ERROR');
}

/**
 * The function versions that made a deployment fail, as near as the reports allow: those that the reason
 * names, else those that are broken on the core, else those that it does not run. A core that rolled
 * back does not list what it rolled back. None where the reason lies elsewhere, or names somebody else's
 * component.
 */
export function functionFailures(
  corePrefix: string,
  components: Components,
  effective: EffectiveDeployment,
  error: ErrorBody,
  installed: readonly InstalledComponent[],
): Record<string, FunctionFailure> {
  if (!mayLieInNamed(effective)) return {};
  const deployed = functionsOf(corePrefix, components);
  const stateOf = ({ component, version }: Deployed): string | undefined =>
    installed.find((each) => each.componentName === component && each.componentVersion === version)
      ?.lifecycleState;
  const named = deployed.filter(({ component }) => mentions(error.message, component));
  const broken = deployed.filter((each) => ['BROKEN', 'ERRORED'].includes(stateOf(each) ?? ''));
  const isNamed = Object.keys(components).some((component) => mentions(error.message, component));
  // A core that lists nothing at all has not reported yet, and accuses nobody.
  const isTold = liesInComponents(effective) && !isNamed && installed.length > 0;
  const absent = isTold ? deployed.filter((each) => stateOf(each) === undefined) : [];
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

/** Matches the whole name: `…fn.detect` is no mention of `…fn.det`, and a sentence may end after it. */
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
