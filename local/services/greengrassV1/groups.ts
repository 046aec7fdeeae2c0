import { z } from 'zod';
import { readJsonBody } from '../../base/rest/input';
import { addVersion, containerAnswer, newContainer, versionAnswer } from './containers';
import type { RestPermission, RestCall, RestRoute, V1Context } from './context';
import { contentOfArn } from './definitions';
import { invalidDefinition, invalidInput, notFound, versionNotFound } from './errors';
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

export function onGroup({ arn }: V1Context, action: string): (call: RestCall) => RestPermission[] {
  return (call) => [{ action: `greengrass:${action}`, resource: arn(`groups/${call.params.groupId}`) }];
}

export function requireGroup({ state }: V1Context, call: RestCall): Group {
  const group = state.groups[call.params.groupId ?? ''];
  if (group === undefined) throw notFound('That group definition does not exist.');
  return group;
}

/** The content of every definition version that a group version names. */
export function definitionsOf(
  context: V1Context,
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
function checkedVersion(context: V1Context, body: Record<string, unknown>): Record<string, unknown> {
  const problems = KINDS.flatMap((kind) => {
    const arn = body[kind.groupField];
    if (typeof arn !== 'string' || contentOfArn(context, kind, arn) !== undefined) return [];
    return [`${kind.name} definition reference does not exist`];
  });
  if (problems.length > 0) throw invalidDefinition('group', problems);
  return body;
}

export function groupRoutes(context: V1Context): RestRoute[] {
  const { state } = context;
  const anywhere = (action: string) => (): RestPermission[] => [
    { action: `greengrass:${action}`, resource: '*' },
  ];
  return [
    {
      operation: 'CreateGroup',
      method: 'POST',
      path: '/greengrass/groups',
      permissions: anywhere('CreateGroup'),
      handle(call) {
        const { Name, InitialVersion } = readJsonBody(call.body, createSchema, 'InvalidInputException');
        const content = InitialVersion && checkedVersion(context, InitialVersion);
        const group: Group = { ...newContainer(context, Name), authorities: [] };
        if (content !== undefined) addVersion(context, group, content);
        state.groups[group.id] = group;
        state.save();
        return containerAnswer(context, 'groups', group);
      },
    },
    {
      operation: 'ListGroups',
      method: 'GET',
      path: '/greengrass/groups',
      permissions: anywhere('ListGroups'),
      handle(call) {
        const { items, next } = context.page(call, Object.values(state.groups));
        return { Groups: items.map((group) => containerAnswer(context, 'groups', group)), NextToken: next };
      },
    },
    {
      operation: 'GetGroup',
      method: 'GET',
      path: GROUP,
      permissions: onGroup(context, 'GetGroup'),
      handle: (call) => containerAnswer(context, 'groups', requireGroup(context, call)),
    },
    {
      operation: 'UpdateGroup',
      method: 'PUT',
      path: GROUP,
      permissions: onGroup(context, 'UpdateGroup'),
      handle(call) {
        const { Name } = readJsonBody(call.body, updateSchema, 'InvalidInputException');
        if (!Name) throw invalidInput('Input does not contain any attributes to be updated');
        requireGroup(context, call).name = Name;
        state.save();
        return {};
      },
    },
    {
      operation: 'DeleteGroup',
      method: 'DELETE',
      path: GROUP,
      permissions: onGroup(context, 'DeleteGroup'),
      handle(call) {
        const { id } = requireGroup(context, call);
        const newest = state.deployments.findLast(({ groupId }) => groupId === id);
        if (newest !== undefined && !newest.type.endsWith('ResetDeployment')) {
          throw invalidInput(`Group id: ${id} is currently deployed, reset its deployments first`);
        }
        delete state.groups[id];
        state.save();
        return {};
      },
    },
    ...groupVersionRoutes(context),
  ];
}

function groupVersionRoutes(context: V1Context): RestRoute[] {
  const path = `${GROUP}/versions`;
  return [
    {
      operation: 'CreateGroupVersion',
      method: 'POST',
      path,
      permissions: onGroup(context, 'CreateGroupVersion'),
      handle(call) {
        const group = requireGroup(context, call);
        const body = readJsonBody(call.body, groupVersionSchema, 'InvalidInputException');
        const version = addVersion(context, group, checkedVersion(context, body));
        context.state.save();
        return versionAnswer(context, 'groups', group, version);
      },
    },
    {
      operation: 'ListGroupVersions',
      method: 'GET',
      path,
      permissions: onGroup(context, 'ListGroupVersions'),
      handle(call) {
        const group = requireGroup(context, call);
        const { items, next } = context.page(call, group.versions.toReversed());
        const Versions = items.map((version) => versionAnswer(context, 'groups', group, version));
        return { Versions, NextToken: next };
      },
    },
    {
      operation: 'GetGroupVersion',
      method: 'GET',
      path: `${path}/{versionId}`,
      permissions: (call) => [
        ...onGroup(context, 'GetGroupVersion')(call),
        {
          action: 'greengrass:GetGroupVersion',
          resource: context.arn(`groups/${call.params.groupId}/versions/${call.params.versionId}`),
        },
      ],
      handle(call) {
        const group = requireGroup(context, call);
        const version = group.versions.find(({ id }) => id === call.params.versionId);
        if (version === undefined) {
          throw versionNotFound(
            `Version ${call.params.versionId} of Group Definition ${group.id} does not exist.`,
          );
        }
        return { ...versionAnswer(context, 'groups', group, version), Definition: version.content };
      },
    },
  ];
}
