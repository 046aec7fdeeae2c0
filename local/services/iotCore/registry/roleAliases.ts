import { AwsError } from '../../../base/context';
import { found, requireName, type RegistryStore, type RoleAliasRecord } from './store';

export interface RoleAliasInput {
  roleArn: string;
  /** 900 to 43,200; 3,600 unless told. */
  credentialDurationSeconds?: number | undefined;
}

export interface RoleAliases {
  /** Creates or replaces (CloudFormation). Throws InvalidRequestException. */
  put(roleAlias: string, input: RoleAliasInput): RoleAliasRecord;
  /** Throws ResourceAlreadyExistsException. */
  create(roleAlias: string, input: RoleAliasInput): RoleAliasRecord;
  /** Throws ResourceNotFoundException. */
  describe(roleAlias: string): RoleAliasRecord;
  /** Nothing happens when there is none. */
  remove(roleAlias: string): void;
}

const ROLE_ALIAS = /^[\w=,@-]{1,128}$/;
const ROLE_ARN = /^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const [SHORTEST_S, USUAL_S, LONGEST_S] = [900, 3_600, 43_200];

export function createRoleAliases(store: RegistryStore): RoleAliases {
  const { roleAliases } = store;

  function put(roleAlias: string, input: RoleAliasInput): RoleAliasRecord {
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
    const createdAt = roleAliases.get(roleAlias)?.createdAt ?? now;
    const record = { roleAlias, roleArn, credentialDurationSeconds, createdAt, modifiedAt: now };
    roleAliases.set(roleAlias, record);
    store.save();
    return record;
  }

  return {
    put,
    create(roleAlias, input) {
      if (!roleAliases.has(roleAlias)) return put(roleAlias, input);
      throw new AwsError('ResourceAlreadyExistsException', `Role alias ${roleAlias} already exists`, 409);
    },
    describe: (roleAlias) => found(roleAliases, roleAlias, 'Role alias'),
    remove(roleAlias) {
      if (roleAliases.delete(roleAlias)) store.save();
    },
  };
}
