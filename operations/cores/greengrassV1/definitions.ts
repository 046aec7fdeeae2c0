import { allPages, type PageToken } from '../../../lib/pages';
import {
  DeleteCoreDefinitionCommand,
  DeleteDeviceDefinitionCommand,
  DeleteFunctionDefinitionCommand,
  DeleteLoggerDefinitionCommand,
  DeleteResourceDefinitionCommand,
  DeleteSubscriptionDefinitionCommand,
  ListCoreDefinitionsCommand,
  ListDeviceDefinitionsCommand,
  ListFunctionDefinitionsCommand,
  ListLoggerDefinitionsCommand,
  ListResourceDefinitionsCommand,
  ListSubscriptionDefinitionsCommand,
  type DefinitionInformation,
  type GreengrassClient,
} from '@aws-sdk/client-greengrass';
import type { V1DefinitionKind } from '../../../protocol/greengrassV1';

/** The same two calls, which every kind of definition has under names of its own. */
interface DefinitionKind {
  list: (
    client: GreengrassClient,
    page: PageToken,
  ) => Promise<{ Definitions?: DefinitionInformation[] | undefined; NextToken?: string | undefined }>;
  remove: (client: GreengrassClient, id: string) => Promise<unknown>;
}

const KINDS: Record<V1DefinitionKind, DefinitionKind> = {
  cores: {
    list: (client, page) => client.send(new ListCoreDefinitionsCommand(page)),
    remove: (client, id) => client.send(new DeleteCoreDefinitionCommand({ CoreDefinitionId: id })),
  },
  devices: {
    list: (client, page) => client.send(new ListDeviceDefinitionsCommand(page)),
    remove: (client, id) => client.send(new DeleteDeviceDefinitionCommand({ DeviceDefinitionId: id })),
  },
  functions: {
    list: (client, page) => client.send(new ListFunctionDefinitionsCommand(page)),
    remove: (client, id) => client.send(new DeleteFunctionDefinitionCommand({ FunctionDefinitionId: id })),
  },
  loggers: {
    list: (client, page) => client.send(new ListLoggerDefinitionsCommand(page)),
    remove: (client, id) => client.send(new DeleteLoggerDefinitionCommand({ LoggerDefinitionId: id })),
  },
  resources: {
    list: (client, page) => client.send(new ListResourceDefinitionsCommand(page)),
    remove: (client, id) => client.send(new DeleteResourceDefinitionCommand({ ResourceDefinitionId: id })),
  },
  subscriptions: {
    list: (client, page) => client.send(new ListSubscriptionDefinitionsCommand(page)),
    remove: (client, id) =>
      client.send(new DeleteSubscriptionDefinitionCommand({ SubscriptionDefinitionId: id })),
  },
};

export function listDefinitions(
  client: GreengrassClient,
  kind: V1DefinitionKind,
): Promise<DefinitionInformation[]> {
  return allPages(async (page) => {
    const { Definitions, NextToken } = await KINDS[kind].list(client, page);
    return { items: Definitions, NextToken };
  });
}

export async function deleteDefinition(
  client: GreengrassClient,
  kind: V1DefinitionKind,
  id: string,
): Promise<void> {
  await KINDS[kind].remove(client, id);
}
