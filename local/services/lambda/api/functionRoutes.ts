import { ANY_RESOURCE, RestAnswer, type RestRoute } from '../../../base/rest/service';
import { describeFunction } from '../describe';
import { requireIdle } from '../functionRecord';
import type { Functions } from '../functions';
import { codeUpdateSchema, configurationUpdateSchema, functionPropsSchema, publishSchema } from '../props';
import { ASKS_ITSELF, lambdaRoute, readProps, type Access } from './access';

const FUNCTIONS = '/2015-03-31/functions';
const FUNCTION = `${FUNCTIONS}/{name}` as const;

/** Functions and their versions. Source: AWS Lambda API reference. */
export function functionRoutes(functions: Functions, access: Access): RestRoute[] {
  const { functionArn } = access;
  return [
    lambdaRoute(
      'CreateFunction',
      `POST ${FUNCTIONS}`,
      ASKS_ITSELF,
      async (call) => {
        const props = readProps(call, functionPropsSchema);
        access.create(call, props.FunctionName);
        access.passRole(call, props.Role);
        access.readCode(call, props.Code);
        const record = await functions.create(props);
        const published = props.Publish ? functions.publishAtOnce(record).version : undefined;
        return describeFunction(record, published);
      },
      { status: 201 },
    ),
    lambdaRoute('ListFunctions', `GET ${FUNCTIONS}`, ANY_RESOURCE, () => ({
      Functions: functions.list().map((record) => describeFunction(record)),
    })),
    lambdaRoute('GetFunction', `GET ${FUNCTION}`, functionArn, (call) => {
      const { record, ref } = access.function(call);
      const { reservedConcurrency } = record.latest.settings;
      return {
        Configuration: describeFunction(record, ref.qualifier),
        Code: { RepositoryType: 'S3' },
        ...(reservedConcurrency !== undefined && {
          Concurrency: { ReservedConcurrentExecutions: reservedConcurrency },
        }),
      };
    }),
    lambdaRoute('GetFunctionConfiguration', `GET ${FUNCTION}/configuration`, functionArn, (call) => {
      const { record, ref } = access.function(call);
      return describeFunction(record, ref.qualifier);
    }),
    lambdaRoute('DeleteFunction', `DELETE ${FUNCTION}`, functionArn, (call) => {
      const { record, ref } = access.function(call);
      if (ref.qualifier === undefined) functions.delete(record.name);
      else functions.deleteVersion(record.name, ref.qualifier);
      return new RestAnswer(204);
    }),
    ...updateRoutes(functions, access),
    ...versionRoutes(functions, access),
  ];
}

function updateRoutes(functions: Functions, access: Access): RestRoute[] {
  const { functionArn } = access;
  return [
    lambdaRoute('UpdateFunctionCode', `PUT ${FUNCTION}/code`, functionArn, async (call) => {
      const { record } = access.function(call);
      const {
        Publish,
        DryRun,
        RevisionId,
        Architectures: _same,
        ...source
      } = readProps(call, codeUpdateSchema);
      access.readCode(call, source);
      requireIdle(record);
      const code = await functions.addCode(source, record.latest.settings.runtime);
      if (DryRun) return describeFunction(record);
      functions.update(record, RevisionId === undefined ? {} : { RevisionId }, code);
      return describeFunction(record, Publish ? functions.publishAtOnce(record).version : undefined);
    }),
    lambdaRoute('UpdateFunctionConfiguration', `PUT ${FUNCTION}/configuration`, functionArn, (call) => {
      const { record } = access.function(call);
      const change = readProps(call, configurationUpdateSchema);
      if (change.Role !== undefined) access.passRole(call, change.Role);
      functions.update(record, change);
      return describeFunction(record);
    }),
  ];
}

function versionRoutes(functions: Functions, access: Access): RestRoute[] {
  return [
    lambdaRoute(
      'PublishVersion',
      `POST ${FUNCTION}/versions`,
      access.functionArn,
      (call) => {
        const { record } = access.function(call);
        return describeFunction(record, functions.publish(record, readProps(call, publishSchema)).version);
      },
      { status: 201 },
    ),
    lambdaRoute('ListVersionsByFunction', `GET ${FUNCTION}/versions`, access.functionArn, (call) => {
      const { record } = access.function(call);
      const versions = [record.latest, ...record.versions];
      return { Versions: versions.map(({ version }) => describeFunction(record, version)) };
    }),
  ];
}
