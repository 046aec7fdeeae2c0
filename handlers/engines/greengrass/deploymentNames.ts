/** Undefined for a deployment that this service did not make. */
export function groupOfDeploymentName(corePrefix: string, name: string): string | undefined {
  if (!name.startsWith(`${corePrefix} `)) return undefined;
  return /^([a-zA-Z0-9_-]{1,64}) revision \d+$/.exec(name.slice(corePrefix.length + 1))?.[1];
}
