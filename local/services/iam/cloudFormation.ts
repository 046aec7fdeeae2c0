import { z } from 'zod';
import type { PolicyDocument } from '../../base/context';
import { count, defineResource, tags } from '../../stack/resource';

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const conditionValue = z.union([z.string(), z.boolean(), z.number()]).transform(String);

/** IAM's grammar without the `Not…` elements, which the local cloud does not evaluate. */
export const policyDocumentSchema = z.strictObject({
  Version: z.string().optional(),
  Id: z.string().optional(),
  Statement: z.preprocess(
    (statements) => (Array.isArray(statements) ? statements : [statements]),
    z.array(
      z.strictObject({
        Sid: z.string().optional(),
        Effect: z.enum(['Allow', 'Deny']),
        Principal: z.unknown().optional(),
        Action: oneOrMore,
        Resource: oneOrMore.optional(),
        Condition: z
          .record(z.string(), z.record(z.string(), z.union([conditionValue, z.array(conditionValue)])))
          .optional(),
      }),
    ),
  ),
});

/** A trust policy has no resource; IAM wants one everywhere. */
export function policyDocument(parsed: z.output<typeof policyDocumentSchema>): PolicyDocument {
  return {
    ...(parsed.Version === undefined ? {} : { Version: parsed.Version }),
    Statement: parsed.Statement.map(({ Sid: _sid, Principal, Resource = '*', Condition, ...rest }) => ({
      ...rest,
      Resource,
      ...(Principal === undefined ? {} : { Principal }),
      ...(Condition === undefined ? {} : { Condition }),
    })),
  };
}

const roleSchema = z.strictObject({
  RoleName: z.string().optional(),
  AssumeRolePolicyDocument: policyDocumentSchema,
  Policies: z
    .array(z.strictObject({ PolicyName: z.string(), PolicyDocument: policyDocumentSchema }))
    .default([]),
  ManagedPolicyArns: z.array(z.string()).default([]),
  Path: z.literal('/', { error: 'only the path "/" is supported by the local cloud' }).optional(),
  Description: z.string().optional(),
  MaxSessionDuration: count.optional(),
  /** Without effect: as a rule it is a policy of the account, which the local cloud does not have. */
  PermissionsBoundary: z.string().optional(),
  Tags: tags.optional(),
});

function roleDefinition(name: string, role: z.output<typeof roleSchema>) {
  return {
    name,
    assumeRolePolicy: policyDocument(role.AssumeRolePolicyDocument),
    inline: role.Policies.map(({ PolicyDocument }) => policyDocument(PolicyDocument)),
    managedArns: role.ManagedPolicyArns,
  };
}

export const role = defineResource({
  type: 'AWS::IAM::Role',
  schema: roleSchema,
  attributes: ['Arn', 'RoleId'],
  async create(properties, { services, generatedName }) {
    const name = properties.RoleName ?? generatedName(64);
    const { arn } = services.roles.putRole(roleDefinition(name, properties));
    return { ref: name, attributes: { Arn: arn, RoleId: name } };
  },
  async update(current, next, _previous, { services }) {
    services.roles.putRole(roleDefinition(current.ref, next));
    return current;
  },
  replaces: (next, previous) => next.RoleName !== previous.RoleName,
  async delete(current, _properties, { services }) {
    services.roles.deleteRole(current.ref);
  },
});

export const policy = defineResource({
  type: 'AWS::IAM::Policy',
  schema: z.strictObject({
    PolicyName: z.string(),
    PolicyDocument: policyDocumentSchema,
    Roles: z.array(z.string()).min(1),
  }),
  async create(properties, { services, stackName, logicalId }) {
    const key = `${stackName}/${logicalId}`;
    services.roles.attach(key, policyDocument(properties.PolicyDocument), properties.Roles);
    return { ref: properties.PolicyName, attributes: {} };
  },
  async update(current, next, _previous, { services, stackName, logicalId }) {
    services.roles.attach(`${stackName}/${logicalId}`, policyDocument(next.PolicyDocument), next.Roles);
    return { ...current, ref: next.PolicyName };
  },
  async delete(_current, _properties, { services, stackName, logicalId }) {
    services.roles.detach(`${stackName}/${logicalId}`);
  },
});

export const managedPolicy = defineResource({
  type: 'AWS::IAM::ManagedPolicy',
  schema: z.strictObject({
    ManagedPolicyName: z.string().optional(),
    Description: z.string().optional(),
    Path: z.literal('/').optional(),
    PolicyDocument: policyDocumentSchema,
    Roles: z.array(z.string()).default([]),
  }),
  async create(properties, { services, cloud, generatedName }) {
    const name = properties.ManagedPolicyName ?? generatedName(128);
    const arn = `arn:aws:iam::${cloud.account}:policy/${name}`;
    const document = policyDocument(properties.PolicyDocument);
    services.roles.putManagedPolicy(arn, document);
    services.roles.attach(arn, document, properties.Roles);
    return { ref: arn, attributes: {} };
  },
  async update(current, next, _previous, { services }) {
    const document = policyDocument(next.PolicyDocument);
    services.roles.putManagedPolicy(current.ref, document);
    services.roles.attach(current.ref, document, next.Roles);
    return current;
  },
  replaces: (next, previous) => next.ManagedPolicyName !== previous.ManagedPolicyName,
  async delete(current, _properties, { services }) {
    services.roles.detach(current.ref);
    services.roles.deleteManagedPolicy(current.ref);
  },
});
