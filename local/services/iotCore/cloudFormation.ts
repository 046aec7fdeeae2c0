import { z } from 'zod';
import type { ActionInput, RuleInput } from '.';
import { count, defineResource, booleanOrText, namedResource, tags } from '../../stack/resource';

/** Exactly one of them per action; what the local cloud does not have is refused by name. */
const actionSchema = z
  .strictObject({
    Lambda: z.strictObject({ FunctionArn: z.string() }).optional(),
    S3: z.strictObject({ BucketName: z.string(), Key: z.string(), RoleArn: z.string() }).optional(),
  })
  .refine((action) => Object.keys(action).length === 1, { error: 'expected exactly one action' });

const ruleSchema = z.strictObject({
  RuleName: z.string().optional(),
  TopicRulePayload: z.strictObject({
    Sql: z.string(),
    Actions: z.array(actionSchema),
    ErrorAction: actionSchema.optional(),
    AwsIotSqlVersion: z.string().optional(),
    RuleDisabled: booleanOrText.optional(),
    Description: z.string().optional(),
  }),
  Tags: tags.optional(),
});

function ruleInput({ TopicRulePayload: payload }: z.output<typeof ruleSchema>): RuleInput {
  return {
    sql: payload.Sql,
    actions: payload.Actions.map(actionInput),
    ...(payload.ErrorAction && { errorAction: actionInput(payload.ErrorAction) }),
    ...(payload.AwsIotSqlVersion !== undefined && { awsIotSqlVersion: payload.AwsIotSqlVersion }),
    ...(payload.RuleDisabled !== undefined && { ruleDisabled: payload.RuleDisabled }),
  };
}

function actionInput({ Lambda, S3 }: z.output<typeof actionSchema>): ActionInput {
  if (Lambda !== undefined) return { lambda: { functionArn: Lambda.FunctionArn } };
  const { BucketName = '', Key = '', RoleArn = '' } = S3 ?? {};
  return { s3: { bucketName: BucketName, key: Key, roleArn: RoleArn } };
}

export const iotCoreResources = [
  namedResource({
    type: 'AWS::IoT::TopicRule',
    schema: ruleSchema,
    attributes: ['Arn'],
    name: 'RuleName',
    maxLength: 128,
    // Rule names have no hyphens.
    adapt: (name) => name.replaceAll('-', '_'),
    put: (name, properties, { services }) => ({
      Arn: services.iotCore.putRule(name, ruleInput(properties)).arn,
    }),
    delete: ({ ref }, _properties, { services }) => services.iotCore.deleteRule(ref),
  }),
  namedResource({
    type: 'AWS::IoT::Policy',
    schema: z.strictObject({
      PolicyName: z.string().optional(),
      PolicyDocument: z.looseObject({}),
      Tags: tags.optional(),
    }),
    attributes: ['Arn', 'Id'],
    name: 'PolicyName',
    maxLength: 128,
    put(name, { PolicyDocument }, { services: { iotCore } }) {
      iotCore.registry.policies.put(name, PolicyDocument);
      return { Arn: iotCore.arns.of('policy', name), Id: name };
    },
    delete: ({ ref }, _properties, { services }) => services.iotCore.registry.policies.remove(ref),
  }),
  namedResource({
    type: 'AWS::IoT::RoleAlias',
    schema: z.strictObject({
      RoleAlias: z.string().optional(),
      RoleArn: z.string(),
      CredentialDurationSeconds: count.optional(),
      Tags: tags.optional(),
    }),
    attributes: ['RoleAliasArn'],
    name: 'RoleAlias',
    maxLength: 128,
    put(name, { RoleArn, CredentialDurationSeconds: seconds }, { services: { iotCore } }) {
      iotCore.registry.roleAliases.put(name, {
        roleArn: RoleArn,
        ...(seconds !== undefined && { credentialDurationSeconds: seconds }),
      });
      return { RoleAliasArn: iotCore.arns.of('rolealias', name) };
    },
    delete: ({ ref }, _properties, { services }) => services.iotCore.registry.roleAliases.remove(ref),
  }),
  defineResource({
    type: 'AWS::IoT::Thing',
    schema: z.strictObject({
      ThingName: z.string().optional(),
      AttributePayload: z
        .strictObject({ Attributes: z.record(z.string(), z.string()).default({}) })
        .optional(),
    }),
    attributes: ['Arn', 'Id'],
    async create({ ThingName, AttributePayload }, { services: { iotCore }, generatedName }) {
      const name = ThingName ?? generatedName(128);
      const { thingId } = iotCore.registry.things.create(name, AttributePayload?.Attributes);
      return { ref: name, attributes: { Arn: iotCore.arns.of('thing', name), Id: thingId } };
    },
    delete: ({ ref }, _properties, { services }) => services.iotCore.registry.things.remove(ref),
  }),
  namedResource({
    type: 'AWS::IoT::ThingGroup',
    schema: z.strictObject({
      ThingGroupName: z.string().optional(),
      ParentGroupName: z.string().optional(),
      ThingGroupProperties: z
        .strictObject({
          ThingGroupDescription: z.string().optional(),
          AttributePayload: z.unknown().optional(),
        })
        .optional(),
      Tags: tags.optional(),
    }),
    attributes: ['Arn', 'Id'],
    name: 'ThingGroupName',
    maxLength: 128,
    put(name, _properties, { services: { iotCore } }) {
      iotCore.registry.thingGroups.create(name);
      return { Arn: iotCore.arns.of('thinggroup', name), Id: name };
    },
    delete: ({ ref }, _properties, { services }) => services.iotCore.registry.thingGroups.remove(ref),
  }),
];
