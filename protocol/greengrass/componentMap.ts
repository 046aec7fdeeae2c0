import { canonicalJson } from '../canonicalJson';

/** What of a component CreateDeployment takes and GetDeployment gives tells its configuration. */
export interface ConfiguredComponent {
  /** `merge`: JSON text; Greengrass may give back an empty one where nothing is merged. */
  configurationUpdate?: { merge?: string | undefined; reset?: string[] | undefined } | undefined;
}

/** Component name → version and configuration. */
export type ComponentMap = Readonly<Record<string, ConfiguredComponent>>;

/** The configuration that a deployment merges into the component's; empty when that is no object. */
export function mergeOf(component: ConfiguredComponent | undefined): Record<string, unknown> {
  const merge = component?.configurationUpdate?.merge;
  const value = merge ? parsed(merge) : {};
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Whether two maps deploy the same, however their configurations are written. */
export function sameComponents(left: ComponentMap, right: ComponentMap): boolean {
  return canonicalJson(comparable(left)) === canonicalJson(comparable(right));
}

function comparable(components: ComponentMap): unknown {
  return Object.fromEntries(
    Object.entries(components).map(([name, { configurationUpdate, ...rest }]) => [
      name,
      {
        ...rest,
        ...(configurationUpdate?.merge && { merge: parsed(configurationUpdate.merge) }),
        ...(configurationUpdate?.reset?.length && { reset: configurationUpdate.reset }),
      },
    ]),
  );
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json;
  }
}
