import {
  CreateConnectorDefinitionCommand,
  CreateFunctionDefinitionCommand,
  CreateGroupCommand,
  CreateGroupVersionCommand,
  CreateSubscriptionDefinitionCommand,
  DeleteGroupCommand,
  ListConnectorDefinitionsCommand,
  ListGroupsCommand,
  ResetDeploymentsCommand,
} from '@aws-sdk/client-greengrass';
import { listDefinitions } from '../../../../operations/cores/greengrassV1/definitions';
import { removeV1Groups } from '../../../../operations/cores/greengrassV1/removal';
import { V1_DEFINITION_KINDS } from '../../../../protocol/greengrassV1';
import {
  claiming,
  engineOn,
  GROUP,
  published,
  readGroup,
  SETTINGS,
} from '../../../handlers/engines/greengrassV1/support';
import { startV1, type TestV1 } from '../../../local/services/greengrassV1/harness';

const { corePrefix } = SETTINGS;
const detect = published('detect', '1.0.0');

let v1: TestV1;
beforeEach(async () => {
  // Pages of three: what is removed is on more than one.
  v1 = await startV1({ pageSize: 3 });
  await engineOn(v1.client).engine.apply(claiming(1, detect));
  v1.step();
});
afterEach(() => v1.close());

async function groups(): Promise<(string | undefined)[]> {
  const { Groups = [] } = await v1.client.send(new ListGroupsCommand({}));
  return Groups.map(({ Name }) => Name);
}

async function definitions(): Promise<(string | undefined)[]> {
  const lists = V1_DEFINITION_KINDS.map((kind) => listDefinitions(v1.client, kind));
  return (await Promise.all(lists)).flat().map(({ Name }) => Name);
}

const ofGroup = (group: string) => V1_DEFINITION_KINDS.map((kind) => `${group}-${kind}`);

test('deletes a group while its core does not answer, with its definitions', async () => {
  // A second one of that name, which was made at the same time and stayed empty.
  await v1.client.send(new CreateGroupCommand({ Name: GROUP }));
  expect(await definitions()).toEqual(ofGroup(GROUP));
  const removed = await removeV1Groups(v1.client, corePrefix);
  expect(removed.groups).toEqual([GROUP, GROUP]);
  expect(removed.definitions.sort()).toEqual(ofGroup(GROUP).sort());
  expect(await groups()).toEqual([]);
  expect(await definitions()).toEqual([]);
  expect(await removeV1Groups(v1.client, corePrefix)).toEqual({ groups: [], definitions: [] });
});

test('leaves alone what others have, whatever it is called', async () => {
  const other = { ...SETTINGS, corePrefix: 'edge/shop-dev-prod' };
  await engineOn(v1.client, other).engine.apply(claiming(1, detect));
  const theirs = `edge-shop-dev-prod-${GROUP.split('-').at(-1)}`;
  for (const Name of ['edge-shop-dev-console', 'fleet'])
    await v1.client.send(new CreateGroupCommand({ Name }));
  const InitialVersion = { Functions: [] };
  await v1.client.send(
    new CreateFunctionDefinitionCommand({ Name: 'edge-shop-dev-console-functions', InitialVersion }),
  );
  // Attached to our group by somebody: a connector, and subscriptions in the place of ours.
  const { id, definitions: current } = await readGroup(v1.client);
  const subscriptions = await v1.client.send(
    new CreateSubscriptionDefinitionCommand({ Name: 'routes', InitialVersion: { Subscriptions: [] } }),
  );
  const connectors = await v1.client.send(
    new CreateConnectorDefinitionCommand({ Name: 'twin', InitialVersion: { Connectors: [] } }),
  );
  await v1.client.send(
    new CreateGroupVersionCommand({
      ...{ GroupId: id, ...current },
      SubscriptionDefinitionVersionArn: subscriptions.LatestVersionArn!,
      ConnectorDefinitionVersionArn: connectors.LatestVersionArn!,
    }),
  );

  expect((await removeV1Groups(v1.client, corePrefix)).groups).toEqual([GROUP]);
  expect((await groups()).sort()).toEqual(['edge-shop-dev-console', theirs, 'fleet'].sort());
  expect((await definitions()).sort()).toEqual(
    [...ofGroup(theirs), 'edge-shop-dev-console-functions', 'routes'].sort(),
  );
  const { Definitions = [] } = await v1.client.send(new ListConnectorDefinitionsCommand({}));
  expect(Definitions.map(({ Name }) => Name)).toEqual(['twin']);
});

test('finishes what an earlier removal has left', async () => {
  const { id: GroupId } = await readGroup(v1.client);
  await v1.client.send(new ResetDeploymentsCommand({ GroupId, Force: true }));
  await v1.client.send(new DeleteGroupCommand({ GroupId }));
  const removed = await removeV1Groups(v1.client, corePrefix);
  expect(removed.groups).toEqual([]);
  expect(removed.definitions.sort()).toEqual(ofGroup(GROUP).sort());
  expect(await definitions()).toEqual([]);
});
