import { z } from 'zod';
import { readJsonBody } from '../../base/rest/input';
import { addVersion, containerAnswer, newContainer, versionAnswer } from './containers';
import { checkedContent, entriesOf } from './content';
import type { Container, RestCall, RestPermission, RestRoute, V1Context } from './context';
import { invalidInput, notFound, versionNotFound } from './errors';
import { KINDS, type Kind } from './kinds';

const createSchema = z.strictObject({
  Name: z.string().max(128).optional(),
  InitialVersion: z.unknown().optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
const updateSchema = z.strictObject({ Name: z.string().max(128).optional() });

export function definitionRoutes(context: V1Context): RestRoute[] {
  return KINDS.flatMap((kind) => [...containerRoutes(context, kind), ...versionRoutes(context, kind)]);
}

/** The stored content that a definition version's ARN names, or undefined. */
export function contentOfArn(
  context: V1Context,
  kind: Kind,
  arn: string,
): Record<string, unknown> | undefined {
  const prefix = context.arn(`definition/${kind.path}/`);
  const [id = '', separator, versionId, ...rest] = arn.slice(prefix.length).split('/');
  if (!arn.startsWith(prefix) || separator !== 'versions' || rest.length > 0) return undefined;
  const container = all(context, kind)[id];
  return container?.versions.find((version) => version.id === versionId)?.content;
}

function all({ state }: V1Context, kind: Kind): Record<string, Container> {
  return (state.definitions[kind.path] ??= {});
}

function parts(context: V1Context, kind: Kind) {
  const path = `definition/${kind.path}`;
  const collection = `/greengrass/${path}`;
  const idOf = (call: RestCall): string => call.params.definitionId ?? '';
  return {
    path,
    collection,
    one: `${collection}/{definitionId}`,
    versions: `${collection}/{definitionId}/versions`,
    anywhere: (action: string) => (): RestPermission[] => [{ action: `greengrass:${action}`, resource: '*' }],
    onOne:
      (action: string) =>
      (call: RestCall): RestPermission[] => [
        { action: `greengrass:${action}`, resource: context.arn(`${path}/${idOf(call)}`) },
      ],
    require(call: RestCall): Container {
      const found = all(context, kind)[idOf(call)];
      if (found === undefined) throw notFound(`That ${kind.noun} definition does not exist.`);
      return found;
    },
  };
}

function containerRoutes(context: V1Context, kind: Kind): RestRoute[] {
  const { path, collection, one, anywhere, onOne, require } = parts(context, kind);
  const { state } = context;
  const operation = (verb: string, ending = ''): string => `${verb}${kind.name}Definition${ending}`;
  return [
    {
      operation: operation('Create'),
      method: 'POST',
      path: collection,
      permissions: anywhere(operation('Create')),
      handle(call) {
        const { Name, InitialVersion } = readJsonBody(call.body, createSchema, 'InvalidInputException');
        const content = InitialVersion === undefined ? undefined : checkedContent(kind, InitialVersion);
        const container = newContainer(context, Name);
        if (content !== undefined) addVersion(context, container, content);
        all(context, kind)[container.id] = container;
        state.save();
        return containerAnswer(context, path, container);
      },
    },
    {
      operation: operation('List', 's'),
      method: 'GET',
      path: collection,
      permissions: anywhere(operation('List', 's')),
      handle(call) {
        const { items, next } = context.page(call, Object.values(all(context, kind)));
        return { Definitions: items.map((one_) => containerAnswer(context, path, one_)), NextToken: next };
      },
    },
    {
      operation: operation('Get'),
      method: 'GET',
      path: one,
      permissions: onOne(operation('Get')),
      handle: (call) => containerAnswer(context, path, require(call)),
    },
    {
      operation: operation('Update'),
      method: 'PUT',
      path: one,
      permissions: onOne(operation('Update')),
      handle(call) {
        const { Name } = readJsonBody(call.body, updateSchema, 'InvalidInputException');
        if (!Name) throw invalidInput('Input does not contain any attributes to be updated');
        require(call).name = Name;
        state.save();
        return {};
      },
    },
    {
      operation: operation('Delete'),
      method: 'DELETE',
      path: one,
      permissions: onOne(operation('Delete')),
      handle(call) {
        delete all(context, kind)[require(call).id];
        state.save();
        return {};
      },
    },
  ];
}

function versionRoutes(context: V1Context, kind: Kind): RestRoute[] {
  const { path, versions, onOne, require } = parts(context, kind);
  const operation = (verb: string, ending = ''): string => `${verb}${kind.name}DefinitionVersion${ending}`;
  return [
    {
      operation: operation('Create'),
      method: 'POST',
      path: versions,
      permissions: onOne(operation('Create')),
      handle(call) {
        const container = require(call);
        const body = readJsonBody(call.body, z.unknown(), 'InvalidInputException');
        const version = addVersion(context, container, checkedContent(kind, body));
        context.state.save();
        return versionAnswer(context, path, container, version);
      },
    },
    {
      operation: operation('List', 's'),
      method: 'GET',
      path: versions,
      permissions: onOne(operation('List', 's')),
      handle(call) {
        const container = require(call);
        const { items, next } = context.page(call, container.versions.toReversed());
        const Versions = items.map((version) => versionAnswer(context, path, container, version));
        return { Versions, NextToken: next };
      },
    },
    {
      operation: operation('Get'),
      method: 'GET',
      path: `${versions}/{versionId}`,
      permissions: (call) => [
        ...onOne(operation('Get'))(call),
        {
          action: `greengrass:${operation('Get')}`,
          resource: context.arn(`${path}/${call.params.definitionId}/versions/${call.params.versionId}`),
        },
      ],
      handle(call) {
        const container = require(call);
        const version = container.versions.find(({ id }) => id === call.params.versionId);
        if (version === undefined) {
          throw versionNotFound(
            `Version ${call.params.versionId} of ${kind.name} List Definition ${container.id} does not exist.`,
          );
        }
        const entries = entriesOf(kind, version.content);
        const { items, next } = kind.paged
          ? context.page(call, entries)
          : { items: entries, next: undefined };
        return {
          ...versionAnswer(context, path, container, version),
          Definition: { ...version.content, [kind.list]: items },
          NextToken: next,
        };
      },
    },
  ];
}
