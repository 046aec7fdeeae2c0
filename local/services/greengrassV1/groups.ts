import { z } from 'zod';
import { ANY_RESOURCE, type RestCall, type RestRoute } from '../../base/rest/service';
import { addVersion, containerAnswer, newContainer, rename, versionRoutes } from './containers';
import { requestInput, groupsRoute, type ControlPlane } from './context';
import { contentOfArn } from './definitions';
import { idNotFound, invalidDefinition, invalidInput } from './errors';
import { KINDS } from './kinds';
import type { Group } from './state';

const groupVersionSchema = z.strictObject(
  Object.fromEntries(KINDS.map(({ groupField }) => [groupField, z.string().optional()])),
);
const createSchema = z.strictObject({
  Name: z.string().min(1).max(128),
  InitialVersion: groupVersionSchema.optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
const updateSchema = z.strictObject({ Name: z.string().max(128).optional() });

export const GROUP = '/greengrass/groups/{groupId}';

/** The ARN of the group that a request names. */
export function groupArn({ arn }: ControlPlane): (call: RestCall) => string {
  return (call) => arn(`groups/${call.param('groupId')}`);
}

export function requireGroup({ state }: ControlPlane, call: RestCall): Group {
  const group = state.groups[call.param('groupId')];
  if (group === undefined) throw idNotFound('That group definition does not exist.');
  return group;
}

/** The content of every definition version that a group version names. */
export function definitionsOf(
  context: ControlPlane,
  content: Record<string, unknown>,
): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    KINDS.flatMap((kind) => {
      const arn = content[kind.groupField];
      const found = typeof arn === 'string' ? contentOfArn(context, kind, arn) : undefined;
      return found === undefined ? [] : [[kind.groupField, found] as const];
    }),
  );
}

/** Throws InvalidContainerDefinitionException unless each ARN names a version that exists. */
function checkedVersion(context: ControlPlane, body: Record<string, unknown>): Record<string, unknown> {
  const problems = KINDS.flatMap((kind) => {
    const arn = body[kind.groupField];
    if (typeof arn !== 'string' || contentOfArn(context, kind, arn) !== undefined) return [];
    return [`${kind.name} definition reference does not exist`];
  });
  if (problems.length > 0) throw invalidDefinition('group', problems);
  return body;
}

export function groupRoutes(context: ControlPlane): RestRoute[] {
  const { state } = context;
  const resource = groupArn(context);
  const require = (call: RestCall): Group => requireGroup(context, call);
  return [
    groupsRoute('CreateGroup', 'POST /greengrass/groups', ANY_RESOURCE, (call) => {
      const { Name, InitialVersion } = requestInput(call, createSchema);
      const content = InitialVersion && checkedVersion(context, InitialVersion);
      const group: Group = { ...newContainer(context, Name), authorities: [] };
      if (content !== undefined) addVersion(context, group, content);
      state.groups[group.id] = group;
      state.save();
      return containerAnswer(context, 'groups', group);
    }),
    groupsRoute('ListGroups', 'GET /greengrass/groups', ANY_RESOURCE, (call) => {
      const { items, next } = context.page(call, Object.values(state.groups));
      return { Groups: items.map((group) => containerAnswer(context, 'groups', group)), NextToken: next };
    }),
    groupsRoute('GetGroup', `GET ${GROUP}`, resource, (call) =>
      containerAnswer(context, 'groups', require(call)),
    ),
    groupsRoute('UpdateGroup', `PUT ${GROUP}`, resource, (call) =>
      rename(context, () => require(call), requestInput(call, updateSchema).Name),
    ),
    groupsRoute('DeleteGroup', `DELETE ${GROUP}`, resource, (call) => {
      const { id } = require(call);
      const newest = state.deployments.findLast(({ groupId }) => groupId === id);
      if (newest !== undefined && !newest.type.endsWith('ResetDeployment')) {
        throw invalidInput(`Group id: ${id} is currently deployed, reset its deployments first`);
      }
      Reflect.deleteProperty(state.groups, id);
      state.save();
    }),
    ...versionRoutes(context, {
      ...{ path: 'groups', id: 'groupId', name: 'Group', title: 'Group Definition', require },
      read: (call) => checkedVersion(context, requestInput(call, groupVersionSchema)),
      show: (_call, content) => ({ Definition: content }),
    }),
  ];
}
