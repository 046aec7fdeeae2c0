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

/**
 * Descriptions of this product's Greengrass V2 component versions. DescribeComponent gives them back, and
 * nothing else that a recipe says: they tell a version of ours from another one of the same name.
 */
export function functionDescription(key: string, digest: string): string {
  return `Function ${key}, package ${digest}`;
}

/** The digest of the package that a component version was made for; undefined when it was not made here. */
export function packageOf(description: string | undefined): string | undefined {
  return /^Function \S+, package ([0-9a-f]{64})$/.exec(description ?? '')?.[1];
}

export function coreDescription(corePrefix: string, build: string): string {
  return `${coreDescriptionStart(corePrefix)}${build}`;
}

export function isCoreDescription(corePrefix: string, description: string | undefined): boolean {
  return description?.startsWith(coreDescriptionStart(corePrefix)) ?? false;
}

function coreDescriptionStart(corePrefix: string): string {
  return `${corePrefix} edge core, build `;
}
