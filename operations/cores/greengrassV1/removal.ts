import {
  DeleteGroupCommand,
  GetFunctionDefinitionVersionCommand,
  GetGroupVersionCommand,
  GreengrassClient,
  ListGroupsCommand,
  ResetDeploymentsCommand,
  type Function as V1Function,
  type GroupInformation,
} from '@aws-sdk/client-greengrass';
import {
  V1_DEFINITION_KINDS,
  V1_ENVIRONMENT,
  v1DefinitionName,
  v1GroupNamePrefix,
  type V1DefinitionKind,
} from '../../../protocol/greengrassV1';
import { unlessMissing } from '../../../lib/awsErrors';
import { allPages } from '../../../lib/pages';
import type { OperatorAccess } from '../../groups/changeGroup';
import { clientConfig } from '../../clients';
import type { PlatformRemoval } from '../platform';
import { deleteDefinition, listDefinitions } from './definitions';

export interface RemovedV1Groups {
  /** Names. */
  groups: string[];
  /** Names of definitions. */
  definitions: string[];
}

/** Takes away the Greengrass groups of a service. */
export class V1Removal implements PlatformRemoval {
  groups: RemovedV1Groups = { groups: [], definitions: [] };

  async afterBuckets({ operator, outputs }: OperatorAccess, progress: (text: string) => void): Promise<void> {
    progress('removing groups of Greengrass');
    const client = new GreengrassClient(clientConfig(operator.config, 'GREENGRASS'));
    try {
      this.groups = await removeV1Groups(client, outputs.corePrefix);
    } finally {
      client.destroy();
    }
  }

  report() {
    const { groups, definitions } = this.groups;
    const none = groups.length + definitions.length === 0;
    return {
      removed: none ? [] : [`${groups.length} Greengrass groups, ${definitions.length} definitions of them`],
      warnings: [],
    };
  }
}

/**
 * Deletes the Greengrass V1 groups that the engine made for a service and stage, and the definitions that
 * it made for them. Definitions that somebody else attached stay. A group is the service's when its
 * edge system functions say so: a name alone may be another service's.
 *
 * "Before you delete a group, you must reset the group's deployments"; forced, because the core may be
 * gone, and one that is there cleans up all the same. Source: AWS IoT Greengrass V1 developer guide, "Reset
 * deployments". The function definitions go last: by them a second removal knows what the first has left.
 */
export async function removeV1Groups(client: GreengrassClient, corePrefix: string): Promise<RemovedV1Groups> {
  const groups = await listGroups(client);
  const names = await ownNames(client, corePrefix, groups);
  const removed: RemovedV1Groups = { groups: [], definitions: [] };
  if (names.size === 0) return removed;
  // Two that were made at once have one name.
  for (const { Name = '', Id } of groups) {
    if (!names.has(Name)) continue;
    await unlessMissing(client.send(new ResetDeploymentsCommand({ GroupId: Id, Force: true })));
    await unlessMissing(client.send(new DeleteGroupCommand({ GroupId: Id })));
    removed.groups.push(Name);
  }
  const last: V1DefinitionKind = 'functions';
  for (const kind of [...V1_DEFINITION_KINDS.filter((each) => each !== last), last]) {
    const ours = new Set([...names].map((name) => v1DefinitionName(name, kind)));
    for (const { Name = '', Id = '' } of await listDefinitions(client, kind)) {
      if (!ours.has(Name)) continue;
      await unlessMissing(deleteDefinition(client, kind, Id));
      removed.definitions.push(Name);
    }
  }
  return removed;
}

function listGroups(client: GreengrassClient): Promise<GroupInformation[]> {
  return allPages(async (page) => {
    const { Groups, NextToken } = await client.send(new ListGroupsCommand(page));
    return { items: Groups, NextToken };
  });
}

/** Of groups, and of those that an earlier removal has deleted without their function definition. */
async function ownNames(
  client: GreengrassClient,
  corePrefix: string,
  groups: readonly GroupInformation[],
): Promise<Set<string>> {
  const prefix = v1GroupNamePrefix(corePrefix);
  const suffix = v1DefinitionName('', 'functions');
  const names = new Set<string>();
  for (const { Name = '', LatestVersionArn } of await listDefinitions(client, 'functions')) {
    const group = Name.slice(0, -suffix.length);
    if (!Name.startsWith(prefix) || !Name.endsWith(suffix)) continue;
    if (await isOf(client, corePrefix, LatestVersionArn)) names.add(group);
  }
  for (const { Name = '', Id, LatestVersion } of groups) {
    if (!Name.startsWith(prefix) || names.has(Name) || !LatestVersion) continue;
    const command = new GetGroupVersionCommand({ GroupId: Id, GroupVersionId: LatestVersion });
    const { Definition } = await client.send(command);
    if (await isOf(client, corePrefix, Definition?.FunctionDefinitionVersionArn)) names.add(Name);
  }
  return names;
}

/** Whether a version of a function definition has edge system functions of this service and stage. */
async function isOf(client: GreengrassClient, corePrefix: string, arn: string | undefined): Promise<boolean> {
  const [, definition, version] = /\/functions\/([^/]+)\/versions\/([^/]+)$/.exec(arn ?? '') ?? [];
  if (definition === undefined || version === undefined) return false;
  const ids = { FunctionDefinitionId: definition, FunctionDefinitionVersionId: version };
  const entries = await unlessMissing(
    allPages<V1Function>(async (page) => {
      const found = await client.send(new GetFunctionDefinitionVersionCommand({ ...ids, ...page }));
      return { items: found.Definition?.Functions, NextToken: found.NextToken };
    }),
  );
  return (entries ?? []).some(
    ({ FunctionConfiguration }) =>
      FunctionConfiguration?.Environment?.Variables?.[V1_ENVIRONMENT.corePrefix] === corePrefix,
  );
}
