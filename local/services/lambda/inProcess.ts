import { createAlias, deleteAlias, updateAlias } from './aliases';
import { deleteEventInvokeConfig, setEventInvokeConfig } from './eventInvokeConfigs';
import {
  describeAlias,
  describeFunction,
  LATEST,
  resolveVersion,
  type FunctionRecord,
} from './functionRecord';
import { buildFunctionArn, parseFunctionRef } from './names';
import { addPermission, removePermission } from './permissions';
import {
  aliasSchema,
  aliasUpdateSchema,
  configurationUpdateSchema,
  eventInvokeConfigSchema,
  functionPropsSchema,
  parseProps,
  codeSchema,
} from './props';
import type { Runner } from './runner';
import { invokeAsService, type ServiceInvocationOptions } from './serviceInvocation';
import type { Lambda } from './types';

export type InProcessOptions = ServiceInvocationOptions & { runner: Runner };

/** The methods of `Lambda` for the other services of the local cloud: no signature, no IAM. */
export function inProcess(options: InProcessOptions): Omit<Lambda, 'url' | 'close'> {
  const { context, functions, runner } = options;
  const find = (name: string): FunctionRecord => functions.get(parseFunctionRef(name).name);

  return {
    functionArn: (name) => buildFunctionArn(context, parseFunctionRef(name)),
    async createFunction(props, stackName) {
      const parsed = parseProps(functionPropsSchema, props);
      const record =
        stackName === undefined
          ? await functions.create(parsed)
          : await functions.createForStack(parsed, stackName);
      await record.settled;
      return describeFunction(record);
    },
    async updateFunction(name, { Code, Publish: _publish, ...props }) {
      const record = find(name);
      const { Tags: _tags, PackageType: _type, ...change } = props;
      const code = Code === undefined ? undefined : await functions.addCode(parseProps(codeSchema, Code));
      await record.settled;
      functions.update(record, parseProps(configurationUpdateSchema, change), code);
      await record.settled;
      return describeFunction(record);
    },
    async deleteFunction(name) {
      functions.delete(find(name).name);
    },
    getFunction: (name, qualifier) => {
      const ref = parseFunctionRef(name, qualifier);
      return describeFunction(functions.get(ref.name), ref.qualifier);
    },
    async publishVersion(name, props = {}) {
      const record = find(name);
      await record.settled;
      return describeFunction(record, functions.publish(record, props).version);
    },
    async deleteVersion(name, version) {
      functions.deleteVersion(find(name).name, version);
    },
    createAlias(name, props) {
      const record = find(name);
      return describeAlias(record, createAlias(record, parseProps(aliasSchema, props)));
    },
    updateAlias(name, { Name, ...change }) {
      const record = find(name);
      return describeAlias(record, updateAlias(record, Name, parseProps(aliasUpdateSchema, change)));
    },
    deleteAlias(name, alias) {
      deleteAlias(find(name), alias);
    },
    addPermission(name, permission) {
      const { qualifier } = parseFunctionRef(name, permission.Qualifier);
      const qualified = { ...permission, ...(qualifier !== undefined && { Qualifier: qualifier }) };
      return addPermission(find(name), qualified).Sid;
    },
    removePermission(name, statementId, qualifier) {
      removePermission(find(name), statementId, parseFunctionRef(name, qualifier).qualifier);
    },
    setEventInvokeConfig(name, config) {
      const { qualifier = LATEST } = parseFunctionRef(name, config.Qualifier);
      setEventInvokeConfig(find(name), qualifier, parseProps(eventInvokeConfigSchema, config));
    },
    deleteEventInvokeConfig(name, qualifier) {
      deleteEventInvokeConfig(find(name), parseFunctionRef(name, qualifier).qualifier ?? LATEST);
    },
    invokeAsService: (functionArn, caller, payload, kind) =>
      invokeAsService(options, functionArn, caller, payload, kind),
    async warm(name, qualifier) {
      const ref = parseFunctionRef(name, qualifier);
      const record = functions.get(ref.name);
      await record.settled;
      await runner.warm(resolveVersion(record, ref.qualifier));
    },
  };
}
