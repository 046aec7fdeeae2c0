import { z } from 'zod';
import { readJsonBody } from '../../base/rest/input';
import type { RestPermission, RestRoute, V1Context } from './context';
import { GROUP, onGroup } from './groups';
import { invalidInput, resourceNotFound } from './errors';

const roleSchema = z.strictObject({
  RoleArn: z.string().regex(/^arn:[^:]+:iam::\d{12}:role\/.+$/, 'not the ARN of a role'),
});

/** The role that Greengrass itself assumes, and those that the functions of a group use. */
export function roleRoutes(context: V1Context): RestRoute[] {
  return [...serviceRoleRoutes(context), ...groupRoleRoutes(context)];
}

function serviceRoleRoutes(context: V1Context): RestRoute[] {
  const { state } = context;
  const path = '/greengrass/servicerole';
  const anywhere = (action: string) => (): RestPermission[] => [
    { action: `greengrass:${action}`, resource: '*' },
  ];
  return [
    {
      operation: 'AssociateServiceRoleToAccount',
      method: 'PUT',
      path,
      permissions: anywhere('AssociateServiceRoleToAccount'),
      handle(call) {
        const { RoleArn } = readJsonBody(call.body, roleSchema, 'InvalidInputException');
        state.serviceRole = { arn: RoleArn, at: context.now() };
        state.save();
        return { AssociatedAt: new Date(state.serviceRole.at).toISOString() };
      },
    },
    {
      operation: 'GetServiceRoleForAccount',
      method: 'GET',
      path,
      permissions: anywhere('GetServiceRoleForAccount'),
      handle() {
        const role = state.serviceRole;
        if (role === undefined)
          throw resourceNotFound('There is no service role associated with this account.');
        return { RoleArn: role.arn, AssociatedAt: new Date(role.at).toISOString() };
      },
    },
    {
      operation: 'DisassociateServiceRoleFromAccount',
      method: 'DELETE',
      path,
      permissions: anywhere('DisassociateServiceRoleFromAccount'),
      handle() {
        delete state.serviceRole;
        state.save();
        return { DisassociatedAt: new Date(context.now()).toISOString() };
      },
    },
  ];
}

function groupRoleRoutes(context: V1Context): RestRoute[] {
  const { state } = context;
  const path = `${GROUP}/role`;
  return [
    {
      operation: 'AssociateRoleToGroup',
      method: 'PUT',
      path,
      permissions: onGroup(context, 'AssociateRoleToGroup'),
      handle(call) {
        const { RoleArn } = readJsonBody(call.body, roleSchema, 'InvalidInputException');
        const group = state.groups[call.params.groupId ?? ''];
        if (group === undefined) throw invalidInput('That group does not exist.');
        group.role = { arn: RoleArn, at: context.now() };
        state.save();
        return { AssociatedAt: new Date(group.role.at).toISOString() };
      },
    },
    {
      operation: 'GetAssociatedRole',
      method: 'GET',
      path,
      permissions: onGroup(context, 'GetAssociatedRole'),
      handle(call) {
        const role = state.groups[call.params.groupId ?? '']?.role;
        if (role === undefined) {
          throw resourceNotFound('You need to attach an IAM role to this deployment group.');
        }
        return { RoleArn: role.arn, AssociatedAt: new Date(role.at).toISOString() };
      },
    },
    {
      operation: 'DisassociateRoleFromGroup',
      method: 'DELETE',
      path,
      permissions: onGroup(context, 'DisassociateRoleFromGroup'),
      handle(call) {
        delete state.groups[call.params.groupId ?? '']?.role;
        state.save();
        return { DisassociatedAt: new Date(context.now()).toISOString() };
      },
    },
  ];
}
