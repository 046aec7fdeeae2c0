/** The cloud system functions. Their names are taken under `functions:` of a service. */
export const SYSTEM_FUNCTIONS = [
  'createFunction',
  'validateFunction',
  'handleDeploymentRequest',
  'performDeployment',
  'getGroupDefinition',
  'cloudRemoteExecution',
] as const;
export type SystemFunction = (typeof SYSTEM_FUNCTIONS)[number];
