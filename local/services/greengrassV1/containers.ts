import type { Container, ContainerVersion, V1Context } from './context';

/** How definitions, groups and their versions look on the wire. Timestamps are ISO 8601 text, as AWS sends them. */
export function containerAnswer(context: V1Context, path: string, container: Container): object {
  const latest = container.versions.at(-1);
  return {
    Arn: context.arn(`${path}/${container.id}`),
    Id: container.id,
    ...(container.name !== undefined && { Name: container.name }),
    CreationTimestamp: new Date(container.createdAt).toISOString(),
    LastUpdatedTimestamp: new Date(container.updatedAt).toISOString(),
    ...(latest && {
      LatestVersion: latest.id,
      LatestVersionArn: versionArn(context, path, container, latest),
    }),
  };
}

export function versionAnswer(
  context: V1Context,
  path: string,
  container: Container,
  version: ContainerVersion,
): object {
  return {
    Arn: versionArn(context, path, container, version),
    Id: container.id,
    Version: version.id,
    CreationTimestamp: new Date(version.at).toISOString(),
  };
}

export function newContainer(context: V1Context, name: string | undefined): Container {
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
  context: V1Context,
  container: Container,
  content: Record<string, unknown>,
): ContainerVersion {
  const version = { id: context.newId(), at: context.now(), content };
  container.versions.push(version);
  container.updatedAt = version.at;
  return version;
}

export function versionArn(
  context: V1Context,
  path: string,
  container: Pick<Container, 'id'>,
  version: Pick<ContainerVersion, 'id'>,
): string {
  return context.arn(`${path}/${container.id}/versions/${version.id}`);
}
