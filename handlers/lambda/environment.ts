import { EdgeError } from '../../protocol';

/** Environment of the cloud system functions (docs/architecture/system-functions.md). Throws INTERNAL when one is missing. */
export function environment(name: EnvironmentName): string {
  const value = process.env[name];
  if (value) return value;
  throw new EdgeError('INTERNAL', `environment variable ${name} is not set`);
}

export type EnvironmentName =
  | 'EDGE_FUNCTIONS_BUCKET'
  | 'EDGE_STATE_BUCKET'
  | 'EDGE_DEVICE_PREFIX'
  | 'EDGE_CORE_PREFIX'
  | 'EDGE_ENGINE'
  | 'EDGE_THING_ARN_PREFIX'
  | 'EDGE_GREENGRASS_FUNCTIONS'
  | 'EDGE_HTTP_URL'
  | 'EDGE_CORE_ROLE_NAME'
  | 'EDGE_PERFORM_DEPLOYMENT'
  | 'EDGE_CLOUD_FUNCTION_PREFIX'
  | 'EDGE_CLOUD_FUNCTION_ROLE_ARN'
  | 'EDGE_CLOUD_FUNCTION_LOG_GROUP';
