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
