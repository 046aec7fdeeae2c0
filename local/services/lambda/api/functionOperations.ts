import { jsonResponse } from '../../../base/rest/json';
import { describeFunction } from '../functionRecord';
import type { Functions } from '../functions';
import { requireIdle } from '../preconditions';
import { codeUpdateSchema, configurationUpdateSchema, functionPropsSchema, publishSchema } from '../props';
import type { Access } from './access';
import type { Operation } from './router';

/** Operations on functions and their versions. Source: AWS Lambda API reference. */
export function functionOperations(functions: Functions, access: Access): Operation[] {
  const operation = (name: string, method: string, path: string, run: Operation['run']): Operation => ({
    name,
    method,
    path: `/2015-03-31/functions${path}`,
    run,
  });
  return [
    operation('CreateFunction', 'POST', '', async (request) => {
      const props = request.json(functionPropsSchema);
      access.authorize(request.principal, 'CreateFunction', { name: props.FunctionName });
      access.passRole(request.principal, props.Role);
      access.readCode(request.principal, props.Code);
      const record = await functions.create(props);
      const published = props.Publish ? functions.publishAtOnce(record).version : undefined;
      return jsonResponse(describeFunction(record, published), 201);
    }),
    operation('ListFunctions', 'GET', '', (request) => {
      access.authorize(request.principal, 'ListFunctions', '*');
      return jsonResponse({ Functions: functions.list().map((record) => describeFunction(record)) });
    }),
    operation('GetFunction', 'GET', '/{name}', (request) => {
      const { record, ref } = access.function(request, 'GetFunction');
      const { reservedConcurrency } = record.latest.settings;
      return jsonResponse({
        Configuration: describeFunction(record, ref.qualifier),
        Code: { RepositoryType: 'S3' },
        ...(reservedConcurrency !== undefined && {
          Concurrency: { ReservedConcurrentExecutions: reservedConcurrency },
        }),
      });
    }),
    operation('GetFunctionConfiguration', 'GET', '/{name}/configuration', (request) => {
      const { record, ref } = access.function(request, 'GetFunctionConfiguration');
      return jsonResponse(describeFunction(record, ref.qualifier));
    }),
    operation('UpdateFunctionCode', 'PUT', '/{name}/code', async (request) => {
      const { record } = access.function(request, 'UpdateFunctionCode');
      const { Publish, DryRun, RevisionId, Architectures: _same, ...source } = request.json(codeUpdateSchema);
      access.readCode(request.principal, source);
      requireIdle(record);
      const code = await functions.addCode(source);
      if (DryRun) return jsonResponse(describeFunction(record));
      functions.update(record, RevisionId === undefined ? {} : { RevisionId }, code);
      return jsonResponse(
        describeFunction(record, Publish ? functions.publishAtOnce(record).version : undefined),
      );
    }),
    operation('UpdateFunctionConfiguration', 'PUT', '/{name}/configuration', (request) => {
      const { record } = access.function(request, 'UpdateFunctionConfiguration');
      const change = request.json(configurationUpdateSchema);
      if (change.Role !== undefined) access.passRole(request.principal, change.Role);
      functions.update(record, change);
      return jsonResponse(describeFunction(record));
    }),
    operation('DeleteFunction', 'DELETE', '/{name}', (request) => {
      const { record, ref } = access.function(request, 'DeleteFunction');
      if (ref.qualifier === undefined) functions.delete(record.name);
      else functions.deleteVersion(record.name, ref.qualifier);
      return { status: 204 };
    }),
    operation('PublishVersion', 'POST', '/{name}/versions', (request) => {
      const { record } = access.function(request, 'PublishVersion');
      return jsonResponse(
        describeFunction(record, functions.publish(record, request.json(publishSchema)).version),
        201,
      );
    }),
    operation('ListVersionsByFunction', 'GET', '/{name}/versions', (request) => {
      const { record } = access.function(request, 'ListVersionsByFunction');
      const versions = [record.latest, ...record.versions].map(({ version }) => version);
      return jsonResponse({
        Versions: versions.map((version) => describeFunction(record, version)),
      });
    }),
  ];
}
