import { z } from 'zod';
import type { CloudContext, PolicyDocument } from '../../base/context';
import { OUTSIDE } from '../../stack/outside';
import { ALLOW_EVERYTHING } from './rolePolicies';
import { count, defineResource, namedResource, tags, type ResourceContext } from '../../stack/resource';

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const conditionValue = z.union([z.string(), z.boolean(), z.number()]).transform(String);

/** IAM's grammar. A trust policy has no resource; the evaluation wants one everywhere. */
export const policyDocumentSchema = z
  .strictObject({
    Version: z.string().optional(),
    Id: z.string().optional(),
    Statement: z.preprocess(
      (statements): unknown[] => [statements].flat(),
      z.array(
        z.strictObject({
          Sid: z.string().optional(),
          Effect: z.enum(['Allow', 'Deny']),
          Principal: z.unknown().optional(),
          Action: oneOrMore.optional(),
          NotAction: oneOrMore.optional(),
          Resource: oneOrMore.optional(),
          NotResource: oneOrMore.optional(),
          Condition: z
            .record(z.string(), z.record(z.string(), z.union([conditionValue, z.array(conditionValue)])))
            .optional(),
        }),
      ),
    ),
  })
  .transform(({ Version, Statement }): PolicyDocument => ({
    ...(Version === undefined ? {} : { Version }),
    Statement: Statement.map(({ Sid: _sid, Principal, Resource = '*', Condition, ...rest }) => ({
      ...rest,
      Resource,
      ...(Principal === undefined ? {} : { Principal }),
      ...(Condition === undefined ? {} : { Condition }),
    })),
  }));

const role = namedResource({
  type: 'AWS::IAM::Role',
  schema: z.strictObject({
    RoleName: z.string().optional(),
    AssumeRolePolicyDocument: policyDocumentSchema,
    Policies: z
      .array(z.strictObject({ PolicyName: z.string(), PolicyDocument: policyDocumentSchema }))
      .default([]),
    ManagedPolicyArns: z.array(z.string()).default([]),
    Path: z
      .string()
      .regex(/^\/([!-~]+\/)?$/, 'expected a path such as "/teams/"')
      .default('/'),
    Description: z.string().optional(),
    MaxSessionDuration: count.optional(),
    /** Without effect: as a rule it is a policy of the account, which the local cloud does not have. */
    PermissionsBoundary: z.string().optional(),
    Tags: tags.optional(),
  }),
  attributes: ['Arn', 'RoleId'],
  name: 'RoleName',
  maxLength: 64,
  put(name, properties, { services, cloud: { account } }) {
    const { arn } = services.roles.putRole({
      name,
      arn: `arn:aws:iam::${account}:role${properties.Path}${name}`,
      assumeRolePolicy: properties.AssumeRolePolicyDocument,
      inline: properties.Policies.map(({ PolicyDocument }) => PolicyDocument),
      managedArns: properties.ManagedPolicyArns,
    });
    return { Arn: arn, RoleId: name };
  },
  delete: ({ ref }, _properties, { services }) => services.roles.deleteRole(ref),
});

const policy = defineResource({
  type: 'AWS::IAM::Policy',
  schema: z.strictObject({
    PolicyName: z.string(),
    PolicyDocument: policyDocumentSchema,
    Roles: z.array(z.string()).min(1),
  }),
  async create({ PolicyName, PolicyDocument, Roles }, context) {
    context.services.roles.attach(keyOf(context), PolicyDocument, Roles);
    return { ref: PolicyName, attributes: {} };
  },
  async update(current, { PolicyName, PolicyDocument, Roles }, _previous, context) {
    context.services.roles.attach(keyOf(context), PolicyDocument, Roles);
    return { ...current, ref: PolicyName };
  },
  delete: (_current, _properties, context) => context.services.roles.detach(keyOf(context)),
});

/** Two policies of one name are two. */
function keyOf({ stackName, logicalId }: ResourceContext): string {
  return `${stackName}/${logicalId}`;
}

const managedPolicy = namedResource({
  type: 'AWS::IAM::ManagedPolicy',
  schema: z.strictObject({
    ManagedPolicyName: z.string().optional(),
    Description: z.string().optional(),
    Path: z.literal('/').optional(),
    PolicyDocument: policyDocumentSchema,
    Roles: z.array(z.string()).default([]),
  }),
  name: 'ManagedPolicyName',
  maxLength: 128,
  refOf: managedPolicyArn,
  put(name, { PolicyDocument, Roles }, { services, cloud }) {
    const arn = managedPolicyArn(name, cloud);
    services.roles.putManagedPolicy(arn, PolicyDocument);
    services.roles.attach(arn, PolicyDocument, Roles);
    return {};
  },
  delete({ ref }, _properties, { services }) {
    services.roles.detach(ref);
    services.roles.deleteManagedPolicy(ref);
  },
});

function managedPolicyArn(name: string, { account }: CloudContext): string {
  return `arn:aws:iam::${account}:policy/${name}`;
}

const named = z.strictObject({ Name: z.string() });
const anyService: PolicyDocument = {
  Statement: [{ Effect: 'Allow', Principal: { Service: '*' }, Action: 'sts:AssumeRole', Resource: '*' }],
};

/** A role that somebody else has made, by its ARN. */
const outsideRole = defineResource({
  type: OUTSIDE.role,
  schema: named,
  async create({ Name: arn }, { services }) {
    const name = arn.slice(arn.lastIndexOf('/') + 1);
    services.roles.putRole({
      ...{ name, arn, managedArns: [], inline: [ALLOW_EVERYTHING], assumeRolePolicy: anyService },
    });
    return { ref: name, attributes: {} };
  },
  delete: ({ ref }, _properties, { services }) => services.roles.deleteRole(ref),
});

/** A managed policy that the local cloud does not know, by its ARN. */
const outsidePolicy = defineResource({
  type: OUTSIDE.managedPolicy,
  schema: named,
  async create({ Name: arn }, { services }) {
    services.roles.putManagedPolicy(arn, ALLOW_EVERYTHING);
    return { ref: arn, attributes: {} };
  },
  delete: ({ ref }, _properties, { services }) => services.roles.deleteManagedPolicy(ref),
});

export const iamResources = [role, policy, managedPolicy, outsideRole, outsidePolicy];
