import { z } from 'zod';
import { AwsError } from '../../../base/context';
import { readJsonBody } from '../../../base/rest/input';
import { routesOf, type RestCall, type RestRoute } from '../../../base/rest/service';
import type { IotArns } from '../arns';
import { found, requireName, type RegistryStore, type RoleAliasRecord } from './store';

interface RoleAliasInput {
  roleArn: string;
  /** 900 to 43,200; 3,600 unless told. */
  credentialDurationSeconds?: number | undefined;
}

const ROLE_ALIAS = /^[\w=,@-]{1,128}$/;
const ROLE_ARN = /^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const [SHORTEST_S, USUAL_S, LONGEST_S] = [900, 3_600, 43_200];

/** The roles whose credentials a device can get for its certificate. */
export class RoleAliases {
  constructor(private readonly store: RegistryStore) {}

  /** Creates or replaces (CloudFormation). Throws InvalidRequestException. */
  put(roleAlias: string, input: RoleAliasInput): RoleAliasRecord {
    const { roleArn, credentialDurationSeconds = USUAL_S } = input;
    requireName(roleAlias, ROLE_ALIAS, 'Role alias');
    requireName(roleArn, ROLE_ARN, 'Role ARN');
    if (credentialDurationSeconds < SHORTEST_S || credentialDurationSeconds > LONGEST_S) {
      throw new AwsError(
        'InvalidRequestException',
        `credentialDurationSeconds must be from ${SHORTEST_S} to ${LONGEST_S}`,
      );
    }
    const now = Date.now();
    const createdAt = this.store.roleAliases.get(roleAlias)?.createdAt ?? now;
    const record = { roleAlias, roleArn, credentialDurationSeconds, createdAt, modifiedAt: now };
    this.store.roleAliases.set(roleAlias, record);
    this.store.save();
    return record;
  }

  /** Throws ResourceAlreadyExistsException, InvalidRequestException. */
  create(roleAlias: string, input: RoleAliasInput): RoleAliasRecord {
    if (!this.store.roleAliases.has(roleAlias)) return this.put(roleAlias, input);
    throw new AwsError('ResourceAlreadyExistsException', `Role alias ${roleAlias} already exists`, 409);
  }

  /** Throws ResourceNotFoundException. */
  describe(roleAlias: string): RoleAliasRecord {
    return found(this.store.roleAliases, roleAlias, 'Role alias');
  }

  /** Nothing happens when there is none. */
  remove(roleAlias: string): void {
    if (this.store.roleAliases.delete(roleAlias)) this.store.save();
  }
}

const createRoleAliasSchema = z.strictObject({
  roleArn: z.string(),
  credentialDurationSeconds: z.int().optional(),
});

export function roleAliasRoutes(roleAliases: RoleAliases, arns: IotArns, account: string): RestRoute[] {
  const route = routesOf('iot');
  const nameOf = (call: RestCall): string => call.param('roleAlias');
  const alias = (call: RestCall): string => arns.of('rolealias', nameOf(call));
  const inputOf = (call: RestCall): RoleAliasInput => readJsonBody(call.body, createRoleAliasSchema);
  const create = route('CreateRoleAlias', 'POST /role-aliases/{roleAlias}', alias, (call) => {
    const { roleAlias } = roleAliases.create(nameOf(call), inputOf(call));
    return { roleAlias, roleAliasArn: alias(call) };
  });

  return [
    {
      ...create,
      permissions: (call) => [
        ...create.permissions(call),
        { action: 'iam:PassRole', resource: inputOf(call).roleArn },
      ],
    },
    route('DescribeRoleAlias', 'GET /role-aliases/{roleAlias}', alias, (call) => {
      const { createdAt, modifiedAt, ...record } = roleAliases.describe(nameOf(call));
      return {
        roleAliasDescription: {
          ...record,
          roleAliasArn: alias(call),
          owner: account,
          creationDate: createdAt / 1000,
          lastModifiedDate: modifiedAt / 1000,
        },
      };
    }),
  ];
}
