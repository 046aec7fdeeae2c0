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
