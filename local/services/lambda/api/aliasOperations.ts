import { jsonResponse } from '../../../base/rest/json';
import { createAlias, deleteAlias, getAlias, updateAlias } from '../aliases';
import { describeAlias } from '../functionRecord';
import { aliasSchema, aliasUpdateSchema } from '../props';
import type { Access } from './access';
import type { Operation } from './router';

const FUNCTIONS = '/2015-03-31/functions/{name}';

/** Operations on aliases. Source: AWS Lambda API reference. */
export function aliasOperations(access: Access): Operation[] {
  return [
    {
      name: 'CreateAlias',
      method: 'POST',
      path: `${FUNCTIONS}/aliases`,
      run: (request) => {
        const { record } = access.function(request, 'CreateAlias');
        return jsonResponse(describeAlias(record, createAlias(record, request.json(aliasSchema))), 201);
      },
    },
    {
      name: 'ListAliases',
      method: 'GET',
      path: `${FUNCTIONS}/aliases`,
      run: (request) => {
        const { record } = access.function(request, 'ListAliases');
        return jsonResponse({
          Aliases: [...record.aliases.values()].map((alias) => describeAlias(record, alias)),
        });
      },
    },
    {
      name: 'GetAlias',
      method: 'GET',
      path: `${FUNCTIONS}/aliases/{alias}`,
      run: (request) => {
        const { record } = access.function(request, 'GetAlias');
        return jsonResponse(describeAlias(record, getAlias(record, request.params['alias'] ?? '')));
      },
    },
    {
      name: 'UpdateAlias',
      method: 'PUT',
      path: `${FUNCTIONS}/aliases/{alias}`,
      run: (request) => {
        const { record } = access.function(request, 'UpdateAlias');
        const change = request.json(aliasUpdateSchema);
        return jsonResponse(
          describeAlias(record, updateAlias(record, request.params['alias'] ?? '', change)),
        );
      },
    },
    {
      name: 'DeleteAlias',
      method: 'DELETE',
      path: `${FUNCTIONS}/aliases/{alias}`,
      run: (request) => {
        const { record } = access.function(request, 'DeleteAlias');
        deleteAlias(record, request.params['alias'] ?? '');
        return { status: 204 };
      },
    },
  ];
}
