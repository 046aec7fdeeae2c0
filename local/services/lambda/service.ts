import { toJson } from '../../../lib/json';
import { AwsError, type CloudContext } from '../../base/context';
import { allowsService } from '../iam';
import { createAlias, deleteAlias, updateAlias } from './aliases';
import type { AsyncInvocations } from './asyncInvocations';
import { describeAlias, describeFunction } from './describe';
import { LATEST, requireInvocable, qualifiedVersion, type FunctionRecord } from './functionRecord';
import type { Functions } from './functions';
import { requirePayloadSize, type Invoker } from './invoker';
import { buildFunctionArn, parseFunctionRef, type FunctionRef } from './names';
import { addPermission, resourcePolicyOf, removePermission } from './permissions';
import {
  aliasSchema,
  aliasUpdateSchema,
  eventInvokeConfigSchema,
  parseProps,
  stackCodeSchema,
  stackFunctionSchema,
  stackUpdateSchema,
  type EventInvokeConfig,
  type FunctionProps,
} from './props';
import type { Runner } from './runner';
import type {
  AliasConfiguration,
  AliasProps,
  FunctionConfiguration,
  InvokeResult,
  InvokingService,
  Lambda,
  PermissionProps,
} from './types';

export interface LambdaParts {
  context: CloudContext;
  functions: Functions;
  invoker: Invoker;
  asyncInvocations: AsyncInvocations;
  runner: Runner;
  /** Of the wire API. */
  url: string;
  close: () => Promise<void>;
}

/** Lambda as the other services of the local cloud use it: no signature, no IAM. */
export class LambdaService implements Lambda {
  readonly url: string;
  readonly #parts: LambdaParts;

  constructor(parts: LambdaParts) {
    this.url = parts.url;
    this.#parts = parts;
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  functionArn(name: string): string {
    return buildFunctionArn(this.#parts.context, parseFunctionRef(name));
  }

  async createFunction(props: FunctionProps, stackName?: string): Promise<FunctionConfiguration> {
    const { functions } = this.#parts;
    const parsed = parseProps(stackFunctionSchema, props);
    const record =
      stackName === undefined
        ? await functions.create(parsed)
        : await functions.createForStack(parsed, stackName);
    await record.settled;
    return describeFunction(record);
  }

  async updateFunction(
    name: string,
    { Code, Publish: _publish, Tags: _tags, PackageType: _type, ...change }: Partial<FunctionProps>,
  ): Promise<FunctionConfiguration> {
    const { functions } = this.#parts;
    const record = this.#find(name);
    const next = parseProps(stackUpdateSchema, change);
    const runtime = next.Runtime ?? record.latest.settings.runtime;
    const code =
      Code === undefined ? undefined : await functions.addCode(parseProps(stackCodeSchema, Code), runtime);
    await record.settled;
    functions.update(record, next, code);
    await record.settled;
    return describeFunction(record);
  }

  async deleteFunction(name: string): Promise<void> {
    this.#parts.functions.delete(this.#find(name).name);
  }

  getFunction(name: string, qualifier?: string): FunctionConfiguration {
    const ref = parseFunctionRef(name, qualifier);
    return describeFunction(this.#find(name), ref.qualifier);
  }

  async publishVersion(
    name: string,
    props: { Description?: string; CodeSha256?: string } = {},
  ): Promise<FunctionConfiguration> {
    const record = this.#find(name);
    await record.settled;
    return describeFunction(record, this.#parts.functions.publish(record, props).version);
  }

  async deleteVersion(name: string, version: string): Promise<void> {
    this.#parts.functions.deleteVersion(this.#find(name).name, version);
  }

  createAlias(name: string, props: AliasProps): AliasConfiguration {
    const record = this.#find(name);
    return describeAlias(record, createAlias(record, parseProps(aliasSchema, props)));
  }

  updateAlias(name: string, { Name, ...change }: Partial<AliasProps> & { Name: string }): AliasConfiguration {
    const record = this.#find(name);
    return describeAlias(record, updateAlias(record, Name, parseProps(aliasUpdateSchema, change)));
  }

  deleteAlias(name: string, alias: string): void {
    deleteAlias(this.#find(name), alias);
  }

  addPermission(name: string, permission: PermissionProps): string {
    const { qualifier } = parseFunctionRef(name, permission.Qualifier);
    const qualified = { ...permission, ...(qualifier !== undefined && { Qualifier: qualifier }) };
    return addPermission(this.#find(name), qualified).Sid;
  }

  removePermission(name: string, statementId: string, qualifier?: string): void {
    removePermission(this.#find(name), statementId, parseFunctionRef(name, qualifier).qualifier);
  }

  setEventInvokeConfig(name: string, config: EventInvokeConfig): void {
    const { qualifier = LATEST } = parseFunctionRef(name, config.Qualifier);
    const record = this.#find(name);
    record.eventInvokeConfigs.set(qualifier, parseProps(eventInvokeConfigSchema, config));
    record.save();
  }

  deleteEventInvokeConfig(name: string, qualifier?: string): void {
    const record = this.#find(name);
    const key = parseFunctionRef(name, qualifier).qualifier ?? LATEST;
    if (record.eventInvokeConfigs.delete(key)) record.save();
  }

  async invokeAsService(
    functionArn: string,
    caller: InvokingService,
    payload: unknown,
    kind: 'sync' | 'async',
  ): Promise<InvokeResult> {
    const { invoker, asyncInvocations } = this.#parts;
    const ref = parseFunctionRef(functionArn);
    const record = this.#find(functionArn);
    this.#requireAllowed(record, ref, caller);
    requirePayloadSize(Buffer.byteLength(toJson(payload)), kind);
    if (kind === 'sync') return invoker.invoke(record, ref.qualifier, { event: payload });
    requireInvocable(record);
    const { version } = qualifiedVersion(record, ref.qualifier);
    const requestId = asyncInvocations.enqueue(ref, { event: payload });
    return { payload: '', executedVersion: version, requestId };
  }

  async warm(name: string, qualifier?: string): Promise<void> {
    const ref = parseFunctionRef(name, qualifier);
    const record = this.#find(name);
    await record.settled;
    await this.#parts.runner.warm(qualifiedVersion(record, ref.qualifier));
  }

  #find(name: string): FunctionRecord {
    return this.#parts.functions.get(parseFunctionRef(name).name);
  }

  /** Only the function's resource policy can allow it. */
  #requireAllowed(record: FunctionRecord, ref: FunctionRef, { service, sourceArn }: InvokingService): void {
    const { context } = this.#parts;
    const resource = buildFunctionArn(context, ref);
    const action = 'lambda:InvokeFunction';
    const access = { service, action, resource, sourceArn, sourceAccount: context.account };
    if (allowsService(resourcePolicyOf(record, ref.qualifier), access, context.log)) return;
    context.log.info(
      { service, sourceArn, action, resource },
      'access denied by the resource policy of the function',
    );
    throw new AwsError(
      'AccessDeniedException',
      `User: ${service} is not authorized to perform: ${action} on resource: ${resource} because no resource-based policy allows the ${action} action`,
      403,
    );
  }
}
