import type { Service } from '../framework';
import type { Resources } from './resource';

/**
 * Puts the service's permissions boundary on roles, as the framework does with the one that it makes: in an
 * account that asks for one, no role could be made without it.
 */
export function withPermissionsBoundary(resources: Resources, service: Service): Resources {
  const boundary = permissionsBoundary(service);
  if (boundary === undefined) return resources;
  return Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [
      id,
      resource.Type === 'AWS::IAM::Role'
        ? { ...resource, Properties: { ...resource.Properties, PermissionsBoundary: boundary } }
        : resource,
    ]),
  );
}

/** All the spellings that the framework knows, in its order (its `mergeIamTemplates`). */
function permissionsBoundary({ provider }: Service): unknown {
  const role = (provider.iam?.role ?? {}) as { permissionsBoundary?: unknown; permissionBoundary?: unknown };
  return role.permissionsBoundary ?? role.permissionBoundary ?? provider.rolePermissionsBoundary;
}
