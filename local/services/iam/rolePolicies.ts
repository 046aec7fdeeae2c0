import { AwsError, type Iam, type PolicyDocument } from '../../base/context';

interface Role {
  name: string;
  /** Of a role that is not of this account, or has a path. */
  arn?: string;
  assumeRolePolicy: PolicyDocument;
  inline: PolicyDocument[];
  managedArns: string[];
}

const BASIC_EXECUTION: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: '*',
    },
  ],
};

/** For what is not known here. */
export const ALLOW_EVERYTHING: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

/** AWS's own managed policies that the local cloud knows. */
export const AWS_MANAGED: Record<string, PolicyDocument> = {
  'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole': BASIC_EXECUTION,
};

/**
 * Roles together with the policies that other resources attach to them; IAM itself knows only the
 * whole. Every change is put to IAM at once.
 */
export class RolePolicies {
  readonly #roles = new Map<string, Role>();
  readonly #managed = new Map<string, PolicyDocument>(Object.entries(AWS_MANAGED));
  /** By role name, then by policy. */
  readonly #attached = new Map<string, Map<string, PolicyDocument>>();

  constructor(private readonly iam: Iam) {}

  /** Throws AwsError NoSuchEntity for a managed policy that is not known here. */
  putRole(role: Role): { arn: string } {
    for (const arn of role.managedArns) this.#managedPolicy(arn);
    this.#roles.set(role.name, role);
    return this.#put(role.name);
  }

  deleteRole(name: string): void {
    this.#roles.delete(name);
    this.#attached.delete(name);
    this.iam.deleteRole(name);
  }

  /** Throws AwsError NoSuchEntity when a role is not there. */
  attach(policy: string, document: PolicyDocument, roleNames: readonly string[]): void {
    for (const name of roleNames) this.#role(name);
    this.detach(policy);
    for (const name of roleNames) {
      const attached = this.#attached.get(name) ?? new Map<string, PolicyDocument>();
      this.#attached.set(name, attached.set(policy, document));
      this.#put(name);
    }
  }

  detach(policy: string): void {
    for (const [name, attached] of this.#attached) {
      if (attached.delete(policy) && this.#roles.has(name)) this.#put(name);
    }
  }

  putManagedPolicy(arn: string, document: PolicyDocument): void {
    this.#managed.set(arn, document);
    for (const { name, managedArns } of this.#roles.values()) {
      if (managedArns.includes(arn)) this.#put(name);
    }
  }

  deleteManagedPolicy(arn: string): void {
    this.#managed.delete(arn);
  }

  #put(name: string): { arn: string } {
    const { arn, assumeRolePolicy, inline, managedArns } = this.#role(name);
    const managed = managedArns.map((arn) => this.#managedPolicy(arn));
    const attached = [...(this.#attached.get(name)?.values() ?? [])];
    const policies = [...inline, ...managed, ...attached];
    return this.iam.putRole({ name, ...(arn !== undefined && { arn }), assumeRolePolicy, policies });
  }

  #role(name: string): Role {
    const role = this.#roles.get(name);
    if (role === undefined) throw new AwsError('NoSuchEntity', `there is no role ${name}`, 404);
    return role;
  }

  #managedPolicy(arn: string): PolicyDocument {
    const document = this.#managed.get(arn);
    if (document === undefined) {
      throw new AwsError('NoSuchEntity', `the local cloud does not know the managed policy ${arn}`, 404);
    }
    return document;
  }
}
