import type { ComponentDeploymentSpecification } from '@aws-sdk/client-greengrassv2';
import {
  coreComponentName,
  EdgeError,
  functionComponentName,
  functionComponentPrefix,
  type Delivery,
  type FunctionManifest,
} from '../../../protocol';
import { mergeOf } from '../../../protocol/greengrass/componentMap';
import type { CoreConfiguration } from '../../../protocol/greengrass/coreConfiguration';

/** Component name → version and configuration, as CreateDeployment takes them and GetDeployment gives them. */
export type Components = Record<string, ComponentDeploymentSpecification>;

/** A function version with the component name that it has on a target. */
export interface FunctionComponent {
  name: string;
  manifest: FunctionManifest;
}

/**
 * Greengrass runs one version of a component per core, and a group may want several versions of a
 * function. One of them has the plain name, each further one a name with its version. A version that
 * the target has already keeps its name there: another name would restart it. A new one never takes the
 * name of a version that runs, which would stop that first: Greengrass starts what is new, and only once
 * that runs removes what the deployment leaves out.
 */
export function nameComponents(
  corePrefix: string,
  wanted: readonly FunctionManifest[],
  current: Components,
): FunctionComponent[] {
  const named = new Map<string, FunctionManifest>();
  const place = (manifest: FunctionManifest, keeps: boolean): boolean => {
    const { name: functionName, version } = manifest;
    const candidates = [
      functionComponentName(corePrefix, functionName),
      versionedName(corePrefix, functionName, version),
    ];
    const name = keeps
      ? candidates.find((each) => current[each]?.componentVersion === version)
      : candidates.find((each) => !named.has(each) && isFree(current[each], version));
    if (name !== undefined) named.set(name, manifest);
    return name !== undefined;
  };
  const fresh = wanted.filter((manifest) => !place(manifest, true));
  for (const manifest of fresh) place(manifest, false);
  return [...named].map(([name, manifest]) => ({ name, manifest }));
}

function isFree(there: ComponentDeploymentSpecification | undefined, version: string): boolean {
  return there === undefined || there.componentVersion === version;
}

/** Function names have no dots, so this is the name of no other function's component. */
function versionedName(corePrefix: string, functionName: string, version: string): string {
  return `${functionComponentName(corePrefix, functionName)}.v${version}`;
}

/** The function that a component of this service stands for; undefined for anybody else's. */
export function functionOfComponent(corePrefix: string, componentName: string): string | undefined {
  const prefix = functionComponentPrefix(corePrefix);
  if (!componentName.startsWith(prefix)) return undefined;
  return /^[^.]+/.exec(componentName.slice(prefix.length))?.[0];
}

/** What the engine needs of the core component's configuration. */
export type KnownConfiguration = Partial<Pick<CoreConfiguration, 'revision' | 'group' | 'host'>>;

/** The configuration that the deployment merges into the core component's; undefined without that component. */
export function coreConfigurationOf(
  corePrefix: string,
  components: Components,
): KnownConfiguration | undefined {
  const component = components[coreComponentName(corePrefix)];
  return component && mergeOf(component);
}

/**
 * The full map of the next deployment: what the target has now, with the core component told of the
 * revision and delivery, and exactly these function components of ours. Everything else stays as it is: Greengrass
 * uninstalls what a deployment leaves out. `foreign`: components that somebody else made with a name of ours.
 */
export function nextComponents(
  corePrefix: string,
  current: Components,
  told: { revision: number; delivery?: Delivery },
  functions: readonly FunctionComponent[],
  foreign: ReadonlySet<string> = new Set(),
): Components {
  const core = coreComponentName(corePrefix);
  const known = current[core];
  if (known === undefined) throw new EdgeError('INTERNAL', `no component ${core} to tell of a revision`);
  const others = Object.entries(current).filter(
    ([name]) => functionOfComponent(corePrefix, name) === undefined || foreign.has(name),
  );
  const merge = JSON.stringify({ ...mergeOf(known), ...told });
  return {
    ...Object.fromEntries(others),
    [core]: { ...known, configurationUpdate: { ...known.configurationUpdate, merge } },
    ...Object.fromEntries(functions.map((each) => [each.name, specificationOf(each.manifest)])),
  };
}

/** MiB: the host itself, and what its processes share with nobody. */
const HOST_MEMORY = 128;

/**
 * The core ends each instance that goes over its own limit. The nucleus' limit, which is for the whole
 * component, is behind that: all instances, one more that takes over from another, and the host. Its
 * unit is the kilobyte.
 */
function specificationOf({ version, memory, instances }: FunctionManifest): ComponentDeploymentSpecification {
  const limit = ((instances + 1) * memory + HOST_MEMORY) * 1024;
  return { componentVersion: version, runWith: { systemResourceLimits: { memory: limit } } };
}
