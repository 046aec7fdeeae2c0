import { z } from 'zod';
import { AwsError } from '../../../base/context';
import { readJsonBody } from '../../../base/rest/input';
import type { RestCall, RestRoute } from '../../../base/rest/service';
import type { IotContext } from '../types';

/** `host:port` of what DescribeEndpoint can name. */
export interface Endpoints {
  data(): string;
  credentialProvider(): string;
}

const createRoleAliasSchema = z.strictObject({
  roleArn: z.string(),
  credentialDurationSeconds: z.int().optional(),
});

export function endpointRoutes({ registry, arns, cloud }: IotContext, endpoints: Endpoints): RestRoute[] {
  const { roleAliases } = registry;
  const aliasOf = (call: RestCall): string => call.params.roleAlias ?? '';
  const onAlias =
    (action: string) =>
    (call: RestCall): { action: string; resource: string }[] => [
      { action: `iot:${action}`, resource: arns.of('rolealias', aliasOf(call)) },
    ];

  return [
    {
      operation: 'DescribeEndpoint',
      method: 'GET',
      path: '/endpoint',
      permissions: () => [{ action: 'iot:DescribeEndpoint', resource: '*' }],
      handle: ({ query }) => ({ endpointAddress: addressOf(query.get('endpointType'), endpoints) }),
    },
    {
      operation: 'CreateRoleAlias',
      method: 'POST',
      path: '/role-aliases/{roleAlias}',
      permissions(call) {
        const { roleArn } = readJsonBody(call.body, createRoleAliasSchema);
        return [...onAlias('CreateRoleAlias')(call), { action: 'iam:PassRole', resource: roleArn }];
      },
      handle(call) {
        const input = readJsonBody(call.body, createRoleAliasSchema);
        const { roleAlias } = roleAliases.create(aliasOf(call), input);
        return { roleAlias, roleAliasArn: arns.of('rolealias', roleAlias) };
      },
    },
    {
      operation: 'DescribeRoleAlias',
      method: 'GET',
      path: '/role-aliases/{roleAlias}',
      permissions: onAlias('DescribeRoleAlias'),
      handle(call) {
        const { roleAlias, roleArn, credentialDurationSeconds, createdAt, modifiedAt } = roleAliases.describe(
          aliasOf(call),
        );
        return {
          roleAliasDescription: {
            roleAlias,
            roleAliasArn: arns.of('rolealias', roleAlias),
            roleArn,
            owner: cloud.account,
            credentialDurationSeconds,
            creationDate: createdAt / 1000,
            lastModifiedDate: modifiedAt / 1000,
          },
        };
      },
    },
  ];
}

function addressOf(type: string | null, endpoints: Endpoints): string {
  if (type === null || type === 'iot:Data-ATS' || type === 'iot:Data') return endpoints.data();
  if (type === 'iot:CredentialProvider') return endpoints.credentialProvider();
  throw new AwsError('InvalidRequestException', `Endpoint type ${type} is not supported by the local cloud`);
}
