import type { RestCall, RestRoute } from '../../base/rest/service';
import { groupsRoute, timestamp, type ControlPlane } from './context';
import { invalidInput, versionNotFound } from './errors';
import type { Container, ContainerVersion } from './state';

/** How definitions, groups and their versions look on the wire. Timestamps are ISO 8601 text, as AWS sends them. */
export function containerAnswer(context: ControlPlane, path: string, container: Container): object {
  const latest = container.versions.at(-1);
  return {
    Arn: context.arn(`${path}/${container.id}`),
    Id: container.id,
    ...(container.name !== undefined && { Name: container.name }),
    CreationTimestamp: timestamp(container.createdAt),
    LastUpdatedTimestamp: timestamp(container.updatedAt),
    ...(latest && {
      LatestVersion: latest.id,
      LatestVersionArn: versionArn(context, path, container, latest),
    }),
  };
}

function versionAnswer(
  context: ControlPlane,
  path: string,
  container: Container,
  version: ContainerVersion,
): object {
  return {
    Arn: versionArn(context, path, container, version),
    Id: container.id,
    Version: version.id,
    CreationTimestamp: timestamp(version.at),
  };
}

export function newContainer(context: ControlPlane, name: string | undefined): Container {
  const at = context.now();
  return {
    id: context.newId(),
    ...(name !== undefined && { name }),
    createdAt: at,
    updatedAt: at,
    versions: [],
  };
}

export function addVersion(
  context: ControlPlane,
  container: Container,
  content: Record<string, unknown>,
): ContainerVersion {
  const version = { id: context.newId(), at: context.now(), content };
  container.versions.push(version);
  container.updatedAt = version.at;
  return version;
}

function versionArn(
  context: ControlPlane,
  path: string,
  container: Pick<Container, 'id'>,
  version: Pick<ContainerVersion, 'id'>,
): string {
  return context.arn(`${path}/${container.id}/versions/${version.id}`);
}

/** What has versions: a kind of definition, or groups. */
interface Versioned {
  /** Below `/greengrass/`: `definition/cores`, `groups`. */
  path: string;
  /** Name of the id in the path: `definitionId`. */
  id: string;
  /** In the names of operations: `CoreDefinition`. */
  name: string;
  /** As the service's messages call it: `Core List Definition`. */
  title: string;
  require: (call: RestCall) => Container;
  /** The content of a new version from the body of a request. Throws InvalidContainerDefinitionException. */
  read: (call: RestCall) => Record<string, unknown>;
  /** What `Get…Version` shows of a version's content. */
  show: (call: RestCall, content: Record<string, unknown>) => object;
}

/** `Create…Version`, `List…Versions` and `Get…Version`. */
export function versionRoutes(context: ControlPlane, versioned: Versioned): RestRoute[] {
  const { path, id, name, title, require, read, show } = versioned;
  const { arn } = context;
  const line = `/greengrass/${path}/{${id}}/versions` as const;
  const resource = (call: RestCall): string => arn(`${path}/${call.param(id)}`);
  return [
    groupsRoute(`Create${name}Version`, `POST ${line}`, resource, (call) => {
      const container = require(call);
      const version = addVersion(context, container, read(call));
      context.state.save();
      return versionAnswer(context, path, container, version);
    }),
    groupsRoute(`List${name}Versions`, `GET ${line}`, resource, (call) => {
      const container = require(call);
      const { items, next } = context.page(call, container.versions.toReversed());
      const Versions = items.map((version) => versionAnswer(context, path, container, version));
      return { Versions, NextToken: next };
    }),
    groupsRoute(
      `Get${name}Version`,
      `GET ${line}/{versionId}`,
      (call) => [resource(call), `${resource(call)}/versions/${call.param('versionId')}`],
      (call) => {
        const container = require(call);
        const versionId = call.param('versionId');
        const version = container.versions.find((one) => one.id === versionId);
        if (version === undefined) {
          throw versionNotFound(`Version ${versionId} of ${title} ${container.id} does not exist.`);
        }
        return { ...versionAnswer(context, path, container, version), ...show(call, version.content) };
      },
    ),
  ];
}

/** Names a definition or a group anew. Throws InvalidInputException. */
export function rename(context: ControlPlane, container: () => Container, name: string | undefined): object {
  if (!name) throw invalidInput('Input does not contain any attributes to be updated');
  container().name = name;
  context.state.save();
  return {};
}
