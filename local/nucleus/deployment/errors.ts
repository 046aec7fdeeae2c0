/**
 * Why a deployment failed, in the codes of the nucleus. Source: developer guide, "Detailed deployment
 * error codes".
 */
export class DeploymentError extends Error {
  constructor(
    /** From the general to the special, after DEPLOYMENT_FAILURE. */
    readonly codes: readonly string[],
    readonly types: readonly string[],
    message: string,
  ) {
    super(message);
  }
}

export function asDeploymentError(error: unknown): DeploymentError {
  if (error instanceof DeploymentError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DeploymentError(['IO_ERROR'], ['DEVICE_ERROR'], message);
}
