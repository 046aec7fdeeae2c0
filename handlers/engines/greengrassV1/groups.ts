import {
  CreateGroupCommand,
  CreateGroupVersionCommand,
  GetGroupCommand,
  GetGroupVersionCommand,
  ListGroupsCommand,
  type GreengrassClient,
  type GroupInformation,
  type GroupVersion,
} from '@aws-sdk/client-greengrass';
import { allPages } from '../../../lib/pages';
import { EdgeError } from '../../../protocol';
import { isMissing } from './failures';

export interface FoundGroup {
  id: string;
  /** Undefined for a group without a version. */
  version: string | undefined;
  definitions: GroupVersion;
}

/** Groups by name; Greengrass itself knows them by id. */
export class Groups {
  private readonly ids = new Map<string, string>();

  constructor(private readonly client: GreengrassClient) {}

  /** Gives the group with its latest version; of two groups with one name, the older one. */
  async find(name: string): Promise<FoundGroup | undefined> {
    const known = this.ids.get(name);
    const id = known ?? (await this.idOf(name));
    if (id === undefined) return undefined;
    this.ids.set(name, id);
    try {
      return await this.latest(id);
    } catch (error) {
      if (!isMissing(error) || known === undefined) throw error;
      this.ids.delete(name);
      return this.find(name);
    }
  }

  async nameOf(id: string): Promise<string | undefined> {
    try {
      return (await this.client.send(new GetGroupCommand({ GroupId: id }))).Name;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /**
   * Without a version: of two that were made at once under one name, `find` takes the older one, and the
   * other stays empty.
   */
  async create(name: string): Promise<void> {
    await this.client.send(new CreateGroupCommand({ Name: name }));
    if ((await this.find(name)) === undefined) throw new EdgeError('CONFLICT', `${name} is not listed yet`);
  }

  /** `definitions` are those of the new version, all of them: what is left out is not in it. */
  async addVersion(id: string, definitions: GroupVersion): Promise<FoundGroup> {
    const created = await this.client.send(new CreateGroupVersionCommand({ GroupId: id, ...definitions }));
    if (created.Version === undefined) throw new Error(`CreateGroupVersion of ${id} named no version`);
    return { id, version: created.Version, definitions };
  }

  async definitionsOf(id: string, version: string): Promise<GroupVersion> {
    const command = new GetGroupVersionCommand({ GroupId: id, GroupVersionId: version });
    return (await this.client.send(command)).Definition ?? {};
  }

  private async latest(id: string): Promise<FoundGroup> {
    const { LatestVersion } = await this.client.send(new GetGroupCommand({ GroupId: id }));
    const version = LatestVersion === '' ? undefined : LatestVersion;
    const definitions = version === undefined ? {} : await this.definitionsOf(id, version);
    return { id, version, definitions };
  }

  private async idOf(name: string): Promise<string | undefined> {
    const groups = await allPages(async (token) => {
      const page = await this.client.send(new ListGroupsCommand(token));
      return { items: page.Groups, NextToken: page.NextToken };
    });
    const order = ({ CreationTimestamp = '', Id = '' }: GroupInformation) => CreationTimestamp + Id;
    const named = groups.filter(({ Name }) => Name === name);
    return named.sort((a, b) => (order(a) < order(b) ? -1 : 1))[0]?.Id;
  }
}
