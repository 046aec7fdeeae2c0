import { AwsError } from '../../../base/context';
import { RestAnswer, type RestCall, type RestRoute } from '../../../base/rest/service';
import { createAlias, deleteAlias, getAlias, updateAlias } from '../aliases';
import { describeAlias } from '../describe';
import { LATEST } from '../functionRecord';
import { addPermission, resourcePolicyOf, removePermission } from '../permissions';
import {
  aliasSchema,
  aliasUpdateSchema,
  eventInvokeConfigSchema,
  permissionSchema,
  type ParsedEventInvokeConfig,
} from '../props';
import { lambdaRoute, readProps, type Access } from './access';

const FUNCTION = '/2015-03-31/functions/{name}';
const EVENT_INVOKE = '/2019-09-25/functions/{name}/event-invoke-config';

/** What is attached to functions and their versions. Source: AWS Lambda API reference. */
export function attachmentRoutes(access: Access, now: () => number): RestRoute[] {
  return [...aliasRoutes(access), ...permissionRoutes(access), ...eventInvokeRoutes(access, now)];
}

function aliasRoutes(access: Access): RestRoute[] {
  const { functionArn } = access;
  return [
    lambdaRoute(
      'CreateAlias',
      `POST ${FUNCTION}/aliases`,
      functionArn,
      (call) => {
        const { record } = access.function(call);
        return describeAlias(record, createAlias(record, readProps(call, aliasSchema)));
      },
      { status: 201 },
    ),
    lambdaRoute('ListAliases', `GET ${FUNCTION}/aliases`, functionArn, (call) => {
      const { record } = access.function(call);
      return { Aliases: [...record.aliases.values()].map((alias) => describeAlias(record, alias)) };
    }),
    lambdaRoute('GetAlias', `GET ${FUNCTION}/aliases/{alias}`, functionArn, (call) => {
      const { record } = access.function(call);
      return describeAlias(record, getAlias(record, call.param('alias')));
    }),
    lambdaRoute('UpdateAlias', `PUT ${FUNCTION}/aliases/{alias}`, functionArn, (call) => {
      const { record } = access.function(call);
      const change = readProps(call, aliasUpdateSchema);
      return describeAlias(record, updateAlias(record, call.param('alias'), change));
    }),
    lambdaRoute('DeleteAlias', `DELETE ${FUNCTION}/aliases/{alias}`, functionArn, (call) => {
      deleteAlias(access.function(call).record, call.param('alias'));
      return new RestAnswer(204);
    }),
  ];
}

function permissionRoutes(access: Access): RestRoute[] {
  const { functionArn } = access;
  return [
    lambdaRoute(
      'AddPermission',
      `POST ${FUNCTION}/policy`,
      functionArn,
      (call) => {
        const { record, ref } = access.function(call);
        const props = readProps(call, permissionSchema);
        const permission = { ...props, ...(ref.qualifier !== undefined && { Qualifier: ref.qualifier }) };
        return { Statement: JSON.stringify(addPermission(record, permission)) };
      },
      { status: 201 },
    ),
    lambdaRoute('GetPolicy', `GET ${FUNCTION}/policy`, functionArn, (call) => {
      const { record, ref } = access.function(call);
      const policy = resourcePolicyOf(record, ref.qualifier);
      if (policy !== undefined) return { Policy: JSON.stringify(policy) };
      throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
    }),
    lambdaRoute('RemovePermission', `DELETE ${FUNCTION}/policy/{statement}`, functionArn, (call) => {
      const { record, ref } = access.function(call);
      removePermission(record, call.param('statement'), ref.qualifier);
      return new RestAnswer(204);
    }),
  ];
}

/** What becomes of failed asynchronous invocations. */
function eventInvokeRoutes(access: Access, now: () => number): RestRoute[] {
  const find = (call: RestCall) => {
    const { record, ref } = access.function(call);
    const qualifier = ref.qualifier ?? LATEST;
    const FunctionArn = `${record.arn}:${qualifier}`;
    const describe = ({ Qualifier: _own, ...rest }: ParsedEventInvokeConfig) => ({
      ...rest,
      FunctionArn,
      LastModified: now() / 1000,
    });
    return { record, qualifier, FunctionArn, describe };
  };
  const { functionArn } = access;
  return [
    lambdaRoute('PutFunctionEventInvokeConfig', `PUT ${EVENT_INVOKE}`, functionArn, (call) => {
      const { record, qualifier, describe } = find(call);
      const config = readProps(call, eventInvokeConfigSchema);
      record.eventInvokeConfigs.set(qualifier, config);
      record.save();
      return describe(config);
    }),
    lambdaRoute('GetFunctionEventInvokeConfig', `GET ${EVENT_INVOKE}`, functionArn, (call) => {
      const { record, qualifier, FunctionArn, describe } = find(call);
      const config = record.eventInvokeConfigs.get(qualifier);
      if (config !== undefined) return describe(config);
      throw new AwsError(
        'ResourceNotFoundException',
        `The function ${FunctionArn} doesn't have an EventInvokeConfig`,
        404,
      );
    }),
    lambdaRoute('DeleteFunctionEventInvokeConfig', `DELETE ${EVENT_INVOKE}`, functionArn, (call) => {
      const { record, qualifier } = find(call);
      if (record.eventInvokeConfigs.delete(qualifier)) record.save();
      return new RestAnswer(204);
    }),
  ];
}
