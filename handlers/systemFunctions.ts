import { CLOUD_REMOTE_EXECUTION } from './cloudRemoteExecution/descriptor';
import { CREATE_FUNCTION } from './createFunction/descriptor';
import type { SystemFunctionDescriptor } from './descriptor';
import { GET_GROUP_DEFINITION } from './getGroupDefinition/descriptor';
import { HANDLE_DEPLOYMENT_REQUEST } from './handleDeploymentRequest/descriptor';
import { PERFORM_DEPLOYMENT } from './performDeployment/descriptor';
import { VALIDATE_FUNCTION } from './validateFunction/descriptor';

/** The cloud system functions. Their names are taken under `functions:` of a service. */
export const SYSTEM_FUNCTIONS: readonly SystemFunctionDescriptor[] = [
  CREATE_FUNCTION,
  VALIDATE_FUNCTION,
  HANDLE_DEPLOYMENT_REQUEST,
  PERFORM_DEPLOYMENT,
  GET_GROUP_DEFINITION,
  CLOUD_REMOTE_EXECUTION,
];
