import {
  CreateCoreDefinitionCommand,
  CreateCoreDefinitionVersionCommand,
  CreateDeviceDefinitionCommand,
  CreateDeviceDefinitionVersionCommand,
  CreateFunctionDefinitionCommand,
  CreateFunctionDefinitionVersionCommand,
  CreateLoggerDefinitionCommand,
  CreateLoggerDefinitionVersionCommand,
  CreateResourceDefinitionCommand,
  CreateResourceDefinitionVersionCommand,
  CreateSubscriptionDefinitionCommand,
  CreateSubscriptionDefinitionVersionCommand,
  GetCoreDefinitionVersionCommand,
  GetDeviceDefinitionVersionCommand,
  GetFunctionDefinitionVersionCommand,
  GetLoggerDefinitionVersionCommand,
  GetResourceDefinitionVersionCommand,
  GetSubscriptionDefinitionVersionCommand,
  type GreengrassClient,
  type GroupVersion,
} from '@aws-sdk/client-greengrass';
import { allPages } from '../../../lib/pages';
import type { ContentKind, FunctionDefaultConfig, GroupContent } from './content';
import { isMissing } from './failures';

/** One version of a definition; `defaults` with functions only. */
export interface VersionContent<K extends ContentKind> {
  entries: GroupContent[K];
  defaults?: FunctionDefaultConfig | undefined;
}

/** One page of what a version holds. */
interface VersionPage<K extends ContentKind> {
  entries: GroupContent[K] | undefined;
  defaults?: FunctionDefaultConfig | undefined;
  next: string | undefined;
}

/** The same three calls, which every kind of definition has under names of its own. */
interface DefinitionKind<K extends ContentKind> {
  groupField: keyof GroupVersion;
  read(client: GreengrassClient, id: string, version: string, token?: string): Promise<VersionPage<K>>;
  /** The ARN of the first version of a new definition. */
  create(client: GreengrassClient, name: string, content: VersionContent<K>): Promise<string | undefined>;
  /** The ARN of one more version. */
  extend(client: GreengrassClient, id: string, content: VersionContent<K>): Promise<string | undefined>;
}

const next = (token: string | undefined) => (token === undefined ? {} : { NextToken: token });

export const DEFINITION_KINDS: { [K in ContentKind]: DefinitionKind<K> } = {
  cores: {
    groupField: 'CoreDefinitionVersionArn',
    async read(client, CoreDefinitionId, CoreDefinitionVersionId) {
      const input = { CoreDefinitionId, CoreDefinitionVersionId };
      const { Definition } = await client.send(new GetCoreDefinitionVersionCommand(input));
      return { entries: Definition?.Cores, next: undefined };
    },
    async create(client, Name, { entries: Cores }) {
      const command = new CreateCoreDefinitionCommand({ Name, InitialVersion: { Cores } });
      return (await client.send(command)).LatestVersionArn;
    },
    async extend(client, CoreDefinitionId, { entries: Cores }) {
      return (await client.send(new CreateCoreDefinitionVersionCommand({ CoreDefinitionId, Cores }))).Arn;
    },
  },
  devices: {
    groupField: 'DeviceDefinitionVersionArn',
    async read(client, DeviceDefinitionId, DeviceDefinitionVersionId, token) {
      const input = { DeviceDefinitionId, DeviceDefinitionVersionId, ...next(token) };
      const page = await client.send(new GetDeviceDefinitionVersionCommand(input));
      return { entries: page.Definition?.Devices, next: page.NextToken };
    },
    async create(client, Name, { entries: Devices }) {
      const command = new CreateDeviceDefinitionCommand({ Name, InitialVersion: { Devices } });
      return (await client.send(command)).LatestVersionArn;
    },
    async extend(client, DeviceDefinitionId, { entries: Devices }) {
      const command = new CreateDeviceDefinitionVersionCommand({ DeviceDefinitionId, Devices });
      return (await client.send(command)).Arn;
    },
  },
  functions: {
    groupField: 'FunctionDefinitionVersionArn',
    async read(client, FunctionDefinitionId, FunctionDefinitionVersionId, token) {
      const input = { FunctionDefinitionId, FunctionDefinitionVersionId, ...next(token) };
      const page = await client.send(new GetFunctionDefinitionVersionCommand(input));
      const { Functions, DefaultConfig } = page.Definition ?? {};
      return { entries: Functions, defaults: DefaultConfig, next: page.NextToken };
    },
    async create(client, Name, content) {
      const command = new CreateFunctionDefinitionCommand({ Name, InitialVersion: functionsOf(content) });
      return (await client.send(command)).LatestVersionArn;
    },
    async extend(client, FunctionDefinitionId, content) {
      const input = { FunctionDefinitionId, ...functionsOf(content) };
      return (await client.send(new CreateFunctionDefinitionVersionCommand(input))).Arn;
    },
  },
  loggers: {
    groupField: 'LoggerDefinitionVersionArn',
    async read(client, LoggerDefinitionId, LoggerDefinitionVersionId, token) {
      const input = { LoggerDefinitionId, LoggerDefinitionVersionId, ...next(token) };
      const { Definition } = await client.send(new GetLoggerDefinitionVersionCommand(input));
      return { entries: Definition?.Loggers, next: undefined };
    },
    async create(client, Name, { entries: Loggers }) {
      const command = new CreateLoggerDefinitionCommand({ Name, InitialVersion: { Loggers } });
      return (await client.send(command)).LatestVersionArn;
    },
    async extend(client, LoggerDefinitionId, { entries: Loggers }) {
      const command = new CreateLoggerDefinitionVersionCommand({ LoggerDefinitionId, Loggers });
      return (await client.send(command)).Arn;
    },
  },
  resources: {
    groupField: 'ResourceDefinitionVersionArn',
    async read(client, ResourceDefinitionId, ResourceDefinitionVersionId) {
      const input = { ResourceDefinitionId, ResourceDefinitionVersionId };
      const { Definition } = await client.send(new GetResourceDefinitionVersionCommand(input));
      return { entries: Definition?.Resources, next: undefined };
    },
    async create(client, Name, { entries: Resources }) {
      const command = new CreateResourceDefinitionCommand({ Name, InitialVersion: { Resources } });
      return (await client.send(command)).LatestVersionArn;
    },
    async extend(client, ResourceDefinitionId, { entries: Resources }) {
      const command = new CreateResourceDefinitionVersionCommand({ ResourceDefinitionId, Resources });
      return (await client.send(command)).Arn;
    },
  },
  subscriptions: {
    groupField: 'SubscriptionDefinitionVersionArn',
    async read(client, SubscriptionDefinitionId, SubscriptionDefinitionVersionId, token) {
      const input = { SubscriptionDefinitionId, SubscriptionDefinitionVersionId, ...next(token) };
      const page = await client.send(new GetSubscriptionDefinitionVersionCommand(input));
      return { entries: page.Definition?.Subscriptions, next: page.NextToken };
    },
    async create(client, Name, { entries: Subscriptions }) {
      const command = new CreateSubscriptionDefinitionCommand({ Name, InitialVersion: { Subscriptions } });
      return (await client.send(command)).LatestVersionArn;
    },
    async extend(client, SubscriptionDefinitionId, { entries: Subscriptions }) {
      const input = { SubscriptionDefinitionId, Subscriptions };
      return (await client.send(new CreateSubscriptionDefinitionVersionCommand(input))).Arn;
    },
  },
};

/** A definition version without it would lose the group's default isolation. */
function functionsOf({ entries, defaults }: VersionContent<'functions'>) {
  return { Functions: entries, ...(defaults !== undefined && { DefaultConfig: defaults }) };
}

/** Reads and writes versions of definitions, which are immutable. */
export class DefinitionVersions {
  constructor(private readonly client: GreengrassClient) {}

  /** All pages of it. Without an ARN, or when somebody deleted the definition: nothing. */
  async read<K extends ContentKind>(kind: K, arn: string | undefined): Promise<VersionContent<K>> {
    const at = arn === undefined ? undefined : parseArn(arn);
    if (at === undefined) return nothing();
    let defaults: FunctionDefaultConfig | undefined;
    try {
      const entries = await allPages<unknown>(async ({ NextToken }) => {
        const page = await DEFINITION_KINDS[kind].read(this.client, at.definition, at.version, NextToken);
        defaults ??= page.defaults;
        return { items: page.entries, NextToken: page.next };
      });
      return { entries: entries as GroupContent[K], ...(defaults !== undefined && { defaults }) };
    } catch (error) {
      if (!isMissing(error)) throw error;
      return nothing();
    }
  }

  /** The ARN of a version with this content: of the definition that `before` names, else of a new one. */
  async write<K extends ContentKind>(
    kind: K,
    before: string | undefined,
    name: string,
    content: VersionContent<K>,
  ): Promise<string> {
    const at = before === undefined ? undefined : parseArn(before);
    const calls = DEFINITION_KINDS[kind];
    const arn = at === undefined ? undefined : await this.extend(kind, at.definition, content);
    const written = arn ?? (await calls.create(this.client, name, content));
    if (written === undefined) throw new Error(`Greengrass named no ARN for the new version of ${name}`);
    return written;
  }

  private async extend<K extends ContentKind>(
    kind: K,
    definition: string,
    content: VersionContent<K>,
  ): Promise<string | undefined> {
    try {
      return await DEFINITION_KINDS[kind].extend(this.client, definition, content);
    } catch (error) {
      if (!isMissing(error)) throw error;
      return undefined;
    }
  }
}

function nothing<K extends ContentKind>(): VersionContent<K> {
  return { entries: [] };
}

/** `…/definition/<kind>/<definition>/versions/<version>` */
function parseArn(arn: string): { definition: string; version: string } | undefined {
  const [, definition, version] = /\/definition\/\w+\/([^/]+)\/versions\/([^/]+)$/.exec(arn) ?? [];
  return definition === undefined || version === undefined ? undefined : { definition, version };
}
