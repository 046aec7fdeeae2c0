/**
 * Names of this product's Greengrass V2 components. The core prefix `edge/<service>-<stage>` makes them
 * unique in an account and region, where component names live.
 */
export function coreComponentName(corePrefix: string): string {
  return `${componentPrefix(corePrefix)}core`;
}

export function functionComponentName(corePrefix: string, functionName: string): string {
  return `${functionComponentPrefix(corePrefix)}${functionName}`;
}

/** What the names of all function components of a service and stage begin with. */
export function functionComponentPrefix(corePrefix: string): string {
  return `${componentPrefix(corePrefix)}fn.`;
}

function componentPrefix(corePrefix: string): string {
  return `${corePrefix.replaceAll('/', '.')}.`;
}

/** Deployments carry group and revision in their name, for people in the console and for who follows them. */
export function greengrassDeploymentName(corePrefix: string, group: string, revision: number): string {
  return `${corePrefix} ${group} revision ${revision}`;
}
