import {
  GetFunctionDefinitionVersionCommand,
  GetGroupCommand,
  GetGroupVersionCommand,
  GetSubscriptionDefinitionVersionCommand,
  ListGroupsCommand,
  type Function as V1Function,
  type GreengrassClient,
  type GroupVersion,
  type Subscription,
} from '@aws-sdk/client-greengrass';
import { GreengrassV1Engine } from '../../../../handlers/engines/greengrassV1/engine';
import type { GreengrassV1Settings } from '../../../../handlers/engines/greengrassV1/systemFunctions';
import type { FunctionManifest, GroupDefinition } from '../../../../protocol';
import { functionKey } from '../../../../protocol';
import { manifestOf, plant } from '../../fixtures';
import { fixedClock, MemoryCoreMessages, MemoryDeploymentRecords } from '../../memory/messages';

const LAMBDA = 'arn:aws:lambda:eu-central-1:000000000000:function:';
export const GROUP = 'edge-shop-dev-plant';
export const SYSTEM = {
  edgeCoreMonitor: `${LAMBDA}shop-dev-edgeCoreMonitor:1`,
  handleDeviceRequest: `${LAMBDA}shop-dev-handleDeviceRequest:1`,
  edgeRemoteExecution: `${LAMBDA}shop-dev-edgeRemoteExecution:1`,
};
export const SETTINGS: GreengrassV1Settings = {
  corePrefix: 'edge/shop-dev',
  devicePrefix: 'edge',
  thingArnPrefix: 'arn:aws:iot:eu-central-1:000000000000:thing/',
  httpUrl: 'https://api.example/dev',
  logging: { level: 'INFO', spaceKb: 1024 },
};

export interface TestEngine {
  engine: GreengrassV1Engine;
  records: MemoryDeploymentRecords;
  messages: MemoryCoreMessages;
}

export function engineOn(client: GreengrassClient, settings = SETTINGS): TestEngine {
  const records = new MemoryDeploymentRecords();
  const messages = new MemoryCoreMessages();
  const systemFunctions = async () => SYSTEM;
  const ports = { client, records, notices: messages, clock: fixedClock, systemFunctions };
  return { engine: new GreengrassV1Engine(ports, settings), records, messages };
}

/** A version of a function that `createFunction` has published as this version of a Lambda function. */
export function published(
  name: string,
  version: string,
  qualifier = '1',
  more: object = {},
): FunctionManifest {
  const cloud = { functionArn: `${LAMBDA}shop-dev-edge-${name}`, qualifier };
  return manifestOf(name, version, { cloud, ...more });
}

export function arnOf({ cloud }: FunctionManifest): string {
  return `${cloud?.functionArn}:${cloud?.qualifier}`;
}

/** The plant in which camera-1 claims these. */
export function claiming(revision: number, ...manifests: FunctionManifest[]): GroupDefinition {
  return plant({
    revision,
    claims: Object.fromEntries(
      manifests.map(({ name, version }, n) => [`camera-1/${name}`, { version, seq: n + 1 }]),
    ),
    functions: functionsOf(manifests),
  });
}

export function functionsOf(manifests: readonly FunctionManifest[]): GroupDefinition['functions'] {
  return Object.fromEntries(manifests.map((one) => [functionKey(one.name, one.version), one]));
}

export interface ReadGroup {
  id: string;
  version: string;
  definitions: GroupVersion;
}

/** The group by its name, as the control plane has it. */
export async function readGroup(client: GreengrassClient, name = GROUP): Promise<ReadGroup> {
  const { Groups = [] } = await client.send(new ListGroupsCommand({}));
  const GroupId = Groups.find(({ Name }) => Name === name)?.Id ?? 'none';
  const { LatestVersion = 'none' } = await client.send(new GetGroupCommand({ GroupId }));
  const read = await client.send(new GetGroupVersionCommand({ GroupId, GroupVersionId: LatestVersion }));
  return { id: GroupId, version: LatestVersion, definitions: read.Definition ?? {} };
}

export function idsOf(arn: string | undefined): { definition: string; version: string } {
  const [definition = '', , version = ''] = (arn ?? '').split('/').slice(-3);
  return { definition, version };
}

export async function readFunctions(client: GreengrassClient, group: ReadGroup): Promise<V1Function[]> {
  const { definition, version } = idsOf(group.definitions.FunctionDefinitionVersionArn);
  const command = new GetFunctionDefinitionVersionCommand({
    FunctionDefinitionId: definition,
    FunctionDefinitionVersionId: version,
  });
  return (await client.send(command)).Definition?.Functions ?? [];
}

export async function readSubscriptions(client: GreengrassClient, group: ReadGroup): Promise<Subscription[]> {
  const { definition, version } = idsOf(group.definitions.SubscriptionDefinitionVersionArn);
  const command = new GetSubscriptionDefinitionVersionCommand({
    SubscriptionDefinitionId: definition,
    SubscriptionDefinitionVersionId: version,
  });
  return (await client.send(command)).Definition?.Subscriptions ?? [];
}
