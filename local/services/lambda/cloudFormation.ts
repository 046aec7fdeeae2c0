import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { AwsError } from '../../base/context';
import type { FunctionProps } from './props';
import { notRunnable } from './settings';
import type { AliasConfiguration, AliasProps, Lambda } from './types';
import { count, defineResource, tags, unlessAbsent, type PhysicalResource } from '../../stack/resource';

const ABSENT = 'ResourceNotFoundException';

const functionSchema = z.strictObject({
  FunctionName: z.string().optional(),
  Code: z.union([
    z.strictObject({ S3Bucket: z.string(), S3Key: z.string() }),
    z.strictObject({ ImageUri: z.string() }),
  ]),
  Role: z.string(),
  Handler: z.string().optional(),
  Runtime: z.string().optional(),
  Description: z.string().optional(),
  Timeout: count.optional(),
  MemorySize: count.optional(),
  Environment: z.strictObject({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).optional(),
  Architectures: z.array(z.string()).optional(),
  EphemeralStorage: z.strictObject({ Size: count }).optional(),
  LoggingConfig: z.unknown().optional(),
  TracingConfig: z.unknown().optional(),
  PackageType: z.enum(['Zip', 'Image']).optional(),
  ReservedConcurrentExecutions: count.optional(),
  Tags: tags.optional(),
});
type FunctionTemplate = z.output<typeof functionSchema>;

/** Lambda checks the values itself. */
function functionProps({ FunctionName: _name, Tags: _tags, ...props }: FunctionTemplate) {
  return props as Omit<FunctionProps, 'FunctionName'>;
}

const lambdaFunction = defineResource({
  type: 'AWS::Lambda::Function',
  schema: functionSchema,
  attributes: ['Arn'],
  remark({ Runtime = '' }) {
    const why = notRunnable(Runtime);
    return why && `${why}, which the local cloud cannot run: calls of it are answered with UNSUPPORTED`;
  },
  async create(properties, { services, stackName, generatedName }) {
    const FunctionName = properties.FunctionName ?? generatedName(64);
    const created = await services.lambda.createFunction(
      { ...functionProps(properties), FunctionName },
      stackName,
    );
    return { ref: FunctionName, attributes: { Arn: created.FunctionArn } };
  },
  async update(current, next, previous, { services }) {
    const { Code, PackageType: _type, ...configuration } = functionProps(next);
    const codeChanged = !isDeepStrictEqual(Code, previous.Code);
    await services.lambda.updateFunction(current.ref, {
      // What the template no longer mentions goes back to Lambda's default.
      Description: '',
      Timeout: 3,
      MemorySize: 128,
      Environment: { Variables: {} },
      ...configuration,
      ...(codeChanged ? { Code } : {}),
    });
    return current;
  },
  replaces: ['FunctionName'],
  async delete(current, _properties, { services }) {
    await unlessAbsent(ABSENT, () => services.lambda.deleteFunction(current.ref));
  },
});

const version = defineResource({
  type: 'AWS::Lambda::Version',
  schema: z.strictObject({
    FunctionName: z.string(),
    CodeSha256: z.string().optional(),
    Description: z.string().optional(),
  }),
  attributes: ['Version', 'FunctionArn'],
  async create({ FunctionName, ...props }, { services }) {
    const published = await services.lambda.publishVersion(FunctionName, props);
    const { FunctionArn, Version } = published;
    return { ref: FunctionArn, attributes: { Version, FunctionArn } };
  },
  async delete(current, { FunctionName }, { services }) {
    await unlessAbsent(ABSENT, () =>
      services.lambda.deleteVersion(FunctionName, current.attributes['Version'] ?? ''),
    );
  },
});

/** An alias is there already when its function survived a restart of the local cloud. */
function createOrMoveAlias(lambda: Lambda, functionName: string, props: AliasProps): AliasConfiguration {
  try {
    return lambda.createAlias(functionName, props);
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'ResourceConflictException') throw error;
    return lambda.updateAlias(functionName, { Description: '', ...props });
  }
}

const alias = defineResource({
  type: 'AWS::Lambda::Alias',
  schema: z.strictObject({
    FunctionName: z.string(),
    FunctionVersion: z.string(),
    Name: z.string(),
    Description: z.string().optional(),
  }),
  async create({ FunctionName, ...props }, { services }) {
    return { ref: createOrMoveAlias(services.lambda, FunctionName, props).AliasArn, attributes: {} };
  },
  async update(current, { FunctionName, ...props }, _previous, { services }) {
    services.lambda.updateAlias(FunctionName, props);
    return current;
  },
  replaces: ['FunctionName', 'Name'],
  async delete(_current, { FunctionName, Name }, { services }) {
    await unlessAbsent(ABSENT, () => services.lambda.deleteAlias(FunctionName, Name));
  },
});

const permission = defineResource({
  type: 'AWS::Lambda::Permission',
  schema: z.strictObject({
    FunctionName: z.string(),
    Action: z.string(),
    Principal: z.string(),
    SourceArn: z.string().optional(),
    SourceAccount: z.string().optional(),
  }),
  attributes: ['Id'],
  async create({ FunctionName, ...grant }, { services, generatedName }): Promise<PhysicalResource> {
    const StatementId = generatedName(100);
    // Only a function that survived a restart can have it: the name is this resource's own.
    await unlessAbsent(ABSENT, () => services.lambda.removePermission(FunctionName, StatementId));
    services.lambda.addPermission(FunctionName, { ...grant, StatementId });
    return { ref: StatementId, attributes: { Id: StatementId } };
  },
  async delete(current, { FunctionName }, { services }) {
    await unlessAbsent(ABSENT, () => services.lambda.removePermission(FunctionName, current.ref));
  },
});

const eventInvokeConfig = defineResource({
  type: 'AWS::Lambda::EventInvokeConfig',
  schema: z.strictObject({
    FunctionName: z.string(),
    Qualifier: z.string(),
    MaximumRetryAttempts: count.optional(),
    MaximumEventAgeInSeconds: count.optional(),
    DestinationConfig: z
      .strictObject({
        OnFailure: z.strictObject({ Destination: z.string() }).optional(),
        OnSuccess: z.never({ error: 'is not supported by the local cloud' }).optional(),
      })
      .optional(),
  }),
  async create({ FunctionName, ...config }, { services }) {
    services.lambda.setEventInvokeConfig(FunctionName, config);
    return { ref: `${FunctionName}:${config.Qualifier}`, attributes: {} };
  },
  async update(current, { FunctionName, ...config }, _previous, { services }) {
    services.lambda.setEventInvokeConfig(FunctionName, config);
    return current;
  },
  replaces: ['FunctionName', 'Qualifier'],
  async delete(_current, { FunctionName, Qualifier }, { services }) {
    await unlessAbsent(ABSENT, () => services.lambda.deleteEventInvokeConfig(FunctionName, Qualifier));
  },
});

export const lambdaResources = [lambdaFunction, version, alias, permission, eventInvokeConfig];
