import { z } from 'zod';
import type { ActionInput, RuleInput } from '.';
import { count, defineResource, flag, tags } from '../../stack/resource';

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
    RuleDisabled: flag.optional(),
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

export const topicRule = defineResource({
  type: 'AWS::IoT::TopicRule',
  schema: ruleSchema,
  attributes: ['Arn'],
  async create(properties, { services, generatedName }) {
    // Rule names have no hyphens.
    const name = properties.RuleName ?? generatedName(128).replaceAll('-', '_');
    const { arn } = services.iotCore.putRule(name, ruleInput(properties));
    return { ref: name, attributes: { Arn: arn } };
  },
  async update(current, next, _previous, { services }) {
    services.iotCore.putRule(current.ref, ruleInput(next));
    return current;
  },
  replaces: (next, previous) => next.RuleName !== previous.RuleName,
  async delete(current, _properties, { services }) {
    services.iotCore.deleteRule(current.ref);
  },
});

export const iotPolicy = defineResource({
  type: 'AWS::IoT::Policy',
  schema: z.strictObject({
    PolicyName: z.string().optional(),
    PolicyDocument: z.looseObject({}),
    Tags: tags.optional(),
  }),
  attributes: ['Arn', 'Id'],
  async create({ PolicyName, PolicyDocument }, { services, generatedName }) {
    const name = PolicyName ?? generatedName(128);
    const { arn } = services.iotCore.putPolicy(name, PolicyDocument);
    return { ref: name, attributes: { Arn: arn, Id: name } };
  },
  async update(current, { PolicyDocument }, _previous, { services }) {
    services.iotCore.putPolicy(current.ref, PolicyDocument);
    return current;
  },
  replaces: (next, previous) => next.PolicyName !== previous.PolicyName,
  async delete(current, _properties, { services }) {
    services.iotCore.deletePolicy(current.ref);
  },
});

const roleAliasSchema = z.strictObject({
  RoleAlias: z.string().optional(),
  RoleArn: z.string(),
  CredentialDurationSeconds: count.optional(),
  Tags: tags.optional(),
});

function roleAliasInput({ RoleArn, CredentialDurationSeconds }: z.output<typeof roleAliasSchema>) {
  return {
    roleArn: RoleArn,
    ...(CredentialDurationSeconds !== undefined && {
      credentialDurationSeconds: CredentialDurationSeconds,
    }),
  };
}

export const roleAlias = defineResource({
  type: 'AWS::IoT::RoleAlias',
  schema: roleAliasSchema,
  attributes: ['RoleAliasArn'],
  async create(properties, { services, generatedName }) {
    const name = properties.RoleAlias ?? generatedName(128);
    const { arn } = services.iotCore.putRoleAlias(name, roleAliasInput(properties));
    return { ref: name, attributes: { RoleAliasArn: arn } };
  },
  async update(current, next, _previous, { services }) {
    services.iotCore.putRoleAlias(current.ref, roleAliasInput(next));
    return current;
  },
  replaces: (next, previous) => next.RoleAlias !== previous.RoleAlias,
  async delete(current, _properties, { services }) {
    services.iotCore.deleteRoleAlias(current.ref);
  },
});

export const thing = defineResource({
  type: 'AWS::IoT::Thing',
  schema: z.strictObject({
    ThingName: z.string().optional(),
    AttributePayload: z.strictObject({ Attributes: z.record(z.string(), z.string()).default({}) }).optional(),
  }),
  attributes: ['Arn', 'Id'],
  async create({ ThingName, AttributePayload }, { services, generatedName }) {
    const name = ThingName ?? generatedName(128);
    const { arn, thingId } = services.iotCore.createThing(name, AttributePayload?.Attributes);
    return { ref: name, attributes: { Arn: arn, Id: thingId } };
  },
  async delete(current, _properties, { services }) {
    services.iotCore.deleteThing(current.ref);
  },
});

export const thingGroup = defineResource({
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
  async create({ ThingGroupName }, { services, generatedName }) {
    const name = ThingGroupName ?? generatedName(128);
    services.iotCore.registry.thingGroups.create(name);
    return { ref: name, attributes: { Arn: services.iotCore.arns.of('thinggroup', name), Id: name } };
  },
  update: async (current) => current,
  replaces: (next, previous) => next.ThingGroupName !== previous.ThingGroupName,
  async delete(current, _properties, { services }) {
    services.iotCore.registry.thingGroups.remove(current.ref);
  },
});
