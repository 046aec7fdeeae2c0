import { z } from 'zod';
import type { RestCall, RestRoute } from '../../base/rest/service';
import { requestInput, groupsRoute, type ControlPlane } from './context';
import { idNotFound } from './errors';
import { GROUP, groupArn, requireGroup } from './groups';
import type { Group } from './state';

const expirySchema = z.strictObject({
  CertificateExpiryInMilliseconds: z.string().regex(/^\d+$/).optional(),
});
const SEVEN_DAYS_MS = String(7 * 24 * 3_600_000);
const TEN_YEARS_MS = String(10 * 365 * 24 * 3_600_000);

/** The authority of a group, which signs its core's server certificate: here the local cloud's own. */
export function authorityRoutes(context: ControlPlane): RestRoute[] {
  const { state } = context;
  const path = `${GROUP}/certificateauthorities` as const;
  const resource = groupArn(context);
  const require = (call: RestCall): Group => requireGroup(context, call);
  const arnOf = (call: RestCall, id: string): string => `${resource(call)}/certificateauthorities/${id}`;
  return [
    groupsRoute('CreateGroupCertificateAuthority', `POST ${path}`, resource, (call) => {
      const id = context.newId();
      require(call).authorities.push(id);
      state.save();
      return { GroupCertificateAuthorityArn: arnOf(call, id) };
    }),
    groupsRoute('ListGroupCertificateAuthorities', `GET ${path}`, resource, (call) => ({
      GroupCertificateAuthorities: require(call).authorities.map((id) => ({
        GroupCertificateAuthorityArn: arnOf(call, id),
        GroupCertificateAuthorityId: id,
      })),
    })),
    groupsRoute(
      'GetGroupCertificateAuthority',
      `GET ${path}/{authorityId}`,
      (call) => [resource(call), arnOf(call, call.param('authorityId'))],
      (call) => {
        const id = call.param('authorityId');
        if (!require(call).authorities.includes(id)) {
          throw idNotFound('That certificate authority does not exist.');
        }
        return {
          GroupCertificateAuthorityArn: arnOf(call, id),
          GroupCertificateAuthorityId: id,
          PemEncodedCertificate: context.caPem,
        };
      },
    ),
    groupsRoute('GetGroupCertificateConfiguration', `GET ${path}/configuration/expiry`, resource, (call) =>
      expiryOf(require(call)),
    ),
    groupsRoute(
      'UpdateGroupCertificateConfiguration',
      `PUT ${path}/configuration/expiry`,
      resource,
      (call) => {
        const group = require(call);
        group.certificateExpiryMs =
          requestInput(call, expirySchema).CertificateExpiryInMilliseconds ?? SEVEN_DAYS_MS;
        state.save();
        return expiryOf(group);
      },
    ),
  ];
}

function expiryOf(group: Group): object {
  return {
    GroupId: group.id,
    CertificateAuthorityExpiryInMilliseconds: TEN_YEARS_MS,
    CertificateExpiryInMilliseconds: group.certificateExpiryMs ?? SEVEN_DAYS_MS,
  };
}
