import { z } from 'zod';
import { readJsonBody } from '../../base/rest/input';
import type { RestPermission, RestCall, RestRoute, V1Context } from './context';
import { notFound } from './errors';
import { GROUP, onGroup, requireGroup } from './groups';

const expirySchema = z.strictObject({
  CertificateExpiryInMilliseconds: z.string().regex(/^\d+$/).optional(),
});
const SEVEN_DAYS_MS = String(7 * 24 * 3_600_000);
const TEN_YEARS_MS = String(10 * 365 * 24 * 3_600_000);

/** The authority of a group, which signs its core's server certificate: here the local cloud's own. */
export function authorityRoutes(context: V1Context): RestRoute[] {
  const { state, arn } = context;
  const path = `${GROUP}/certificateauthorities`;
  const arnOf = (groupId: string, id: string): string =>
    arn(`groups/${groupId}/certificateauthorities/${id}`);
  const onAuthority = (call: RestCall): RestPermission[] => [
    ...onGroup(context, 'GetGroupCertificateAuthority')(call),
    {
      action: 'greengrass:GetGroupCertificateAuthority',
      resource: arnOf(call.params.groupId ?? '', call.params.authorityId ?? ''),
    },
  ];
  return [
    {
      operation: 'CreateGroupCertificateAuthority',
      method: 'POST',
      path,
      permissions: onGroup(context, 'CreateGroupCertificateAuthority'),
      handle(call) {
        const group = requireGroup(context, call);
        const id = context.newId();
        group.authorities.push(id);
        state.save();
        return { GroupCertificateAuthorityArn: arnOf(group.id, id) };
      },
    },
    {
      operation: 'ListGroupCertificateAuthorities',
      method: 'GET',
      path,
      permissions: onGroup(context, 'ListGroupCertificateAuthorities'),
      handle(call) {
        const group = requireGroup(context, call);
        return {
          GroupCertificateAuthorities: group.authorities.map((id) => ({
            GroupCertificateAuthorityArn: arnOf(group.id, id),
            GroupCertificateAuthorityId: id,
          })),
        };
      },
    },
    {
      operation: 'GetGroupCertificateAuthority',
      method: 'GET',
      path: `${path}/{authorityId}`,
      permissions: onAuthority,
      handle(call) {
        const group = requireGroup(context, call);
        const id = call.params.authorityId ?? '';
        if (!group.authorities.includes(id)) throw notFound('That certificate authority does not exist.');
        return {
          GroupCertificateAuthorityArn: arnOf(group.id, id),
          GroupCertificateAuthorityId: id,
          PemEncodedCertificate: context.caPem,
        };
      },
    },
    ...expiryRoutes(context, `${path}/configuration/expiry`),
  ];
}

function expiryRoutes(context: V1Context, path: string): RestRoute[] {
  const answer = (group: { id: string; certificateExpiryMs?: string | undefined }): object => ({
    GroupId: group.id,
    CertificateAuthorityExpiryInMilliseconds: TEN_YEARS_MS,
    CertificateExpiryInMilliseconds: group.certificateExpiryMs ?? SEVEN_DAYS_MS,
  });
  return [
    {
      operation: 'GetGroupCertificateConfiguration',
      method: 'GET',
      path,
      permissions: onGroup(context, 'GetGroupCertificateConfiguration'),
      handle: (call) => answer(requireGroup(context, call)),
    },
    {
      operation: 'UpdateGroupCertificateConfiguration',
      method: 'PUT',
      path,
      permissions: onGroup(context, 'UpdateGroupCertificateConfiguration'),
      handle(call) {
        const group = requireGroup(context, call);
        const body = readJsonBody(call.body, expirySchema, 'InvalidInputException');
        group.certificateExpiryMs = body.CertificateExpiryInMilliseconds ?? SEVEN_DAYS_MS;
        context.state.save();
        return answer(group);
      },
    },
  ];
}
