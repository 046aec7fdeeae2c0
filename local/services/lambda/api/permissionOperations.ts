import { AwsError } from '../../../base/context';
import { jsonResponse } from '../../../base/rest/json';
import { addPermission, policyOf, removePermission } from '../permissions';
import { permissionSchema } from '../props';
import type { Access } from './access';
import type { Operation } from './router';

const FUNCTIONS = '/2015-03-31/functions/{name}';

/** Operations on resource policies. Source: AWS Lambda API reference. */
export function permissionOperations(access: Access): Operation[] {
  return [
    {
      name: 'AddPermission',
      method: 'POST',
      path: `${FUNCTIONS}/policy`,
      run: (request) => {
        const { record, ref } = access.function(request, 'AddPermission');
        const permission = {
          ...request.json(permissionSchema),
          ...(ref.qualifier && { Qualifier: ref.qualifier }),
        };
        return jsonResponse({ Statement: JSON.stringify(addPermission(record, permission)) }, 201);
      },
    },
    {
      name: 'GetPolicy',
      method: 'GET',
      path: `${FUNCTIONS}/policy`,
      run: (request) => {
        const { record, ref } = access.function(request, 'GetPolicy');
        const policy = policyOf(record, ref.qualifier);
        if (policy !== undefined) return jsonResponse({ Policy: JSON.stringify(policy) });
        throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
      },
    },
    {
      name: 'RemovePermission',
      method: 'DELETE',
      path: `${FUNCTIONS}/policy/{statement}`,
      run: (request) => {
        const { record, ref } = access.function(request, 'RemovePermission');
        removePermission(record, request.params['statement'] ?? '', ref.qualifier);
        return { status: 204 };
      },
    },
  ];
}
