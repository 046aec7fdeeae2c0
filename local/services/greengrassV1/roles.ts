import { z } from 'zod';
import { ANY_RESOURCE, type RestCall, type RestRoute } from '../../base/rest/service';
import { requestInput, groupsRoute, timestamp, type ControlPlane } from './context';
import { invalidInput, resourceNotFound } from './errors';
import { GROUP, groupArn } from './groups';
import type { AssociatedRole } from './state';

const roleSchema = z.strictObject({
  RoleArn: z.string().regex(/^arn:[^:]+:iam::\d{12}:role\/.+$/, 'not the ARN of a role'),
});

/** The role that Greengrass itself assumes, and those that the functions of a group use. */
export function roleRoutes(context: ControlPlane): RestRoute[] {
  const { state } = context;
  const SERVICE = '/greengrass/servicerole';
  const resource = groupArn(context);
  const given = (call: RestCall): AssociatedRole => ({
    arn: requestInput(call, roleSchema).RoleArn,
    at: context.now(),
  });
  const associated = ({ at }: AssociatedRole): object => {
    state.save();
    return { AssociatedAt: timestamp(at) };
  };
  const disassociated = (): object => {
    state.save();
    return { DisassociatedAt: timestamp(context.now()) };
  };
  const shown = (role: AssociatedRole | undefined, missing: string): object => {
    if (role === undefined) throw resourceNotFound(missing);
    return { RoleArn: role.arn, AssociatedAt: timestamp(role.at) };
  };
  return [
    groupsRoute('AssociateServiceRoleToAccount', `PUT ${SERVICE}`, ANY_RESOURCE, (call) =>
      associated((state.serviceRole = given(call))),
    ),
    groupsRoute('GetServiceRoleForAccount', `GET ${SERVICE}`, ANY_RESOURCE, () =>
      shown(state.serviceRole, 'There is no service role associated with this account.'),
    ),
    groupsRoute('DisassociateServiceRoleFromAccount', `DELETE ${SERVICE}`, ANY_RESOURCE, () => {
      delete state.serviceRole;
      return disassociated();
    }),
    groupsRoute('AssociateRoleToGroup', `PUT ${GROUP}/role`, resource, (call) => {
      const role = given(call);
      const group = state.groups[call.param('groupId')];
      if (group === undefined) throw invalidInput('That group does not exist.');
      return associated((group.role = role));
    }),
    groupsRoute('GetAssociatedRole', `GET ${GROUP}/role`, resource, (call) => {
      const missing = 'You need to attach an IAM role to this deployment group.';
      return shown(state.groups[call.param('groupId')]?.role, missing);
    }),
    groupsRoute('DisassociateRoleFromGroup', `DELETE ${GROUP}/role`, resource, (call) => {
      delete state.groups[call.param('groupId')]?.role;
      return disassociated();
    }),
  ];
}
