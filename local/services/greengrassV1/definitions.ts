import { z } from 'zod';
import { ANY_RESOURCE, type RestCall, type RestRoute } from '../../base/rest/service';
import { addVersion, containerAnswer, newContainer, rename, versionRoutes } from './containers';
import { checkedContent, entriesOf } from './content';
import { requestInput, groupsRoute, type ControlPlane } from './context';
import { idNotFound } from './errors';
import { KINDS, type Kind } from './kinds';
import type { Container } from './state';

const createSchema = z.strictObject({
  Name: z.string().max(128).optional(),
  InitialVersion: z.unknown().optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
const updateSchema = z.strictObject({ Name: z.string().max(128).optional() });

/** Definitions of the seven kinds and their versions. */
export function definitionRoutes(context: ControlPlane): RestRoute[] {
  return KINDS.flatMap((kind) => routesOfKind(context, kind));
}

/** The stored content that a definition version's ARN names, or undefined. */
export function contentOfArn(
  context: ControlPlane,
  kind: Kind,
  arn: string,
): Record<string, unknown> | undefined {
  const prefix = context.arn(`definition/${kind.path}/`);
  const [id = '', separator, versionId, ...rest] = arn.slice(prefix.length).split('/');
  if (!arn.startsWith(prefix) || separator !== 'versions' || rest.length > 0) return undefined;
  const container = all(context, kind)[id];
  return container?.versions.find((version) => version.id === versionId)?.content;
}

function all({ state }: ControlPlane, kind: Kind): Record<string, Container> {
  return (state.definitions[kind.path] ??= {});
}

function routesOfKind(context: ControlPlane, kind: Kind): RestRoute[] {
  const { state } = context;
  const path = `definition/${kind.path}`;
  const name = `${kind.name}Definition`;
  const one = `/greengrass/${path}/{definitionId}` as const;
  const resource = (call: RestCall): string => context.arn(`${path}/${call.param('definitionId')}`);
  const require = (call: RestCall): Container => {
    const found = all(context, kind)[call.param('definitionId')];
    if (found === undefined) throw idNotFound(`That ${kind.noun} definition does not exist.`);
    return found;
  };
  return [
    groupsRoute(`Create${name}`, `POST /greengrass/${path}`, ANY_RESOURCE, (call) => {
      const { Name, InitialVersion } = requestInput(call, createSchema);
      const content = InitialVersion === undefined ? undefined : checkedContent(kind, InitialVersion);
      const container = newContainer(context, Name);
      if (content !== undefined) addVersion(context, container, content);
      all(context, kind)[container.id] = container;
      state.save();
      return containerAnswer(context, path, container);
    }),
    groupsRoute(`List${name}s`, `GET /greengrass/${path}`, ANY_RESOURCE, (call) => {
      const { items, next } = context.page(call, Object.values(all(context, kind)));
      return { Definitions: items.map((item) => containerAnswer(context, path, item)), NextToken: next };
    }),
    groupsRoute(`Get${name}`, `GET ${one}`, resource, (call) =>
      containerAnswer(context, path, require(call)),
    ),
    groupsRoute(`Update${name}`, `PUT ${one}`, resource, (call) =>
      rename(context, () => require(call), requestInput(call, updateSchema).Name),
    ),
    groupsRoute(`Delete${name}`, `DELETE ${one}`, resource, (call) => {
      Reflect.deleteProperty(all(context, kind), require(call).id);
      state.save();
    }),
    ...versionRoutes(context, {
      ...{ path, id: 'definitionId', name, title: `${kind.name} List Definition`, require },
      read: (call) => checkedContent(kind, requestInput(call, z.unknown())),
      show(call, content) {
        const entries = entriesOf(kind, content);
        const page = kind.paged ? context.page(call, entries) : { items: entries, next: undefined };
        return { Definition: { ...content, [kind.list]: page.items }, NextToken: page.next };
      },
    }),
  ];
}
