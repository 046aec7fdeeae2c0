import {
  AssociateRoleToGroupCommand,
  AssociateServiceRoleToAccountCommand,
  CreateCoreDefinitionCommand,
  CreateDeploymentCommand,
  CreateFunctionDefinitionCommand,
  CreateGroupCertificateAuthorityCommand,
  CreateGroupCommand,
  DeleteGroupCommand,
  DisassociateServiceRoleFromAccountCommand,
  GetAssociatedRoleCommand,
  GetDeploymentStatusCommand,
  GetGroupCertificateAuthorityCommand,
  GetServiceRoleForAccountCommand,
  ListDeploymentsCommand,
  ListGroupCertificateAuthoritiesCommand,
  ListGroupsCommand,
  ResetDeploymentsCommand,
  type DeploymentType,
  type Function as V1Function,
} from '@aws-sdk/client-greengrass';
import { allow } from '../iotCore/harness';
import { ACCOUNT, REGION, SERVICE_ROLE, startV1, type TestV1 } from './harness';

const LAMBDA = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:detect:1`;

let v1: TestV1;
beforeEach(async () => {
  v1 = await startV1();
});
afterEach(() => v1.close());

const failure = (name: string, message?: RegExp) =>
  expect.objectContaining({ name, ...(message && { message: expect.stringMatching(message) as string }) });

interface TestGroup {
  GroupId: string;
  GroupVersionId: string;
}

async function groupWith(Functions: V1Function[] = [], withCore = true): Promise<TestGroup> {
  const { client } = v1;
  const core = await client.send(
    new CreateCoreDefinitionCommand({
      InitialVersion: {
        Cores: [
          {
            Id: 'core',
            ThingArn: `arn:aws:iot:${REGION}:${ACCOUNT}:thing/core-1`,
            CertificateArn: `arn:aws:iot:${REGION}:${ACCOUNT}:cert/${'a'.repeat(64)}`,
          },
        ],
      },
    }),
  );
  const functions = await client.send(new CreateFunctionDefinitionCommand({ InitialVersion: { Functions } }));
  const group = await client.send(
    new CreateGroupCommand({
      Name: 'plant',
      InitialVersion: {
        ...(withCore && { CoreDefinitionVersionArn: core.LatestVersionArn! }),
        FunctionDefinitionVersionArn: functions.LatestVersionArn!,
      },
    }),
  );
  return { GroupId: group.Id ?? '', GroupVersionId: group.LatestVersion ?? '' };
}

const deploy = async (
  group: TestGroup,
  more: { DeploymentType?: DeploymentType; DeploymentId?: string } = {},
) =>
  (await v1.client.send(new CreateDeploymentCommand({ DeploymentType: 'NewDeployment', ...group, ...more })))
    .DeploymentId ?? '';
const statusOf = async ({ GroupId }: TestGroup, DeploymentId: string) => {
  const { $metadata: _, ...status } = await v1.client.send(
    new GetDeploymentStatusCommand({ GroupId, DeploymentId }),
  );
  return status;
};

test('a deployment is building, in progress, and ends with what the core reports', async () => {
  const group = await groupWith([{ Id: 'f', FunctionArn: LAMBDA }]);
  const id = await deploy(group);
  expect(await statusOf(group, id)).toMatchObject({
    DeploymentStatus: 'Building',
    DeploymentType: 'NewDeployment',
  });
  v1.step();
  expect(await statusOf(group, id)).toMatchObject({ DeploymentStatus: 'InProgress' });
  expect(v1.deliveries).toMatchObject([
    {
      deploymentId: id,
      groupName: 'plant',
      definitions: { FunctionDefinitionVersionArn: { Functions: [{ FunctionArn: LAMBDA }] } },
    },
  ]);
  v1.report({ status: 'Success' });
  expect(await statusOf(group, id)).toMatchObject({ DeploymentStatus: 'Success' });
  expect(v1.v1.report(id, { status: 'Success' })).toBe(false);
});

test('a failure has its message and details', async () => {
  const group = await groupWith();
  const id = await deploy(group);
  v1.step();
  const errorDetails = [{ DetailedErrorCode: 'GG-1', DetailedErrorMessage: 'disk full' }];
  v1.report({ status: 'Failure', errorMessage: 'no', errorDetails });
  expect(await statusOf(group, id)).toMatchObject({
    DeploymentStatus: 'Failure',
    ErrorMessage: 'no',
    ErrorDetails: errorDetails,
  });
});

test('every change of a status is an event, in the form of EventBridge', async () => {
  const group = await groupWith();
  const id = await deploy(group);
  v1.step();
  v1.report({ status: 'Success' });
  expect(v1.events.map(({ detail }) => detail.status)).toEqual(['Building', 'InProgress', 'Success']);
  expect(v1.events[0]).toEqual({
    'detail-type': 'Greengrass Deployment Status Change',
    source: 'aws.greengrass',
    time: expect.any(String) as string,
    resources: [],
    detail: {
      'group-id': group.GroupId,
      'deployment-id': id,
      'deployment-type': 'NewDeployment',
      status: 'Building',
    },
  });
});

test('a group has one deployment in flight', async () => {
  const group = await groupWith();
  await deploy(group);
  await expect(deploy(group)).rejects.toEqual(failure('ConcurrentDeployment'));
  v1.step();
  await expect(deploy(group)).rejects.toEqual(failure('ConcurrentDeployment', /InProgress/));
  v1.report({ status: 'Failure', errorMessage: 'no' });
  await deploy(group);
});

test('the cloud refuses what can never be deployed', async () => {
  await expect(deploy(await groupWith([], false))).rejects.toEqual(failure('MissingCoreException', /GG-303/));
  const group = await groupWith();
  await expect(deploy({ ...group, GroupVersionId: 'none' })).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
  await expect(deploy({ ...group, GroupId: 'none' })).rejects.toEqual(failure('ResourceNotFoundException'));
  await expect(deploy(group, { DeploymentType: 'ResetDeployment' })).rejects.toEqual(
    failure('InvalidInputException'),
  );
  await expect(statusOf(group, 'none')).rejects.toEqual(failure('InvalidInputException'));
});

test('without a service role, or with a resource that is not there, building fails', async () => {
  await v1.client.send(new DisassociateServiceRoleFromAccountCommand({}));
  const group = await groupWith();
  const id = await deploy(group);
  v1.step();
  expect(await statusOf(group, id)).toMatchObject({
    DeploymentStatus: 'Failure',
    ErrorMessage: expect.stringContaining('service role') as string,
  });
  expect(v1.deliveries).toEqual([]);
  await v1.client.send(new AssociateServiceRoleToAccountCommand({ RoleArn: SERVICE_ROLE }));
  const bad = await groupWith([
    {
      Id: 'f',
      FunctionArn: LAMBDA,
      FunctionConfiguration: { Environment: { ResourceAccessPolicies: [{ ResourceId: 'gone' }] } },
    },
  ]);
  const second = await deploy(bad);
  v1.step();
  expect(await statusOf(bad, second)).toMatchObject({
    ErrorMessage: expect.stringContaining('gone') as string,
  });
});

test('a redeployment takes the version of the one that it names', async () => {
  const group = await groupWith();
  const first = await deploy(group);
  v1.step();
  v1.report({ status: 'Success' });
  const { GroupId } = group;
  await expect(
    v1.client.send(new CreateDeploymentCommand({ GroupId, DeploymentType: 'Redeployment' })),
  ).rejects.toEqual(failure('InvalidInputException', /DeploymentId/));
  await v1.client.send(
    new CreateDeploymentCommand({ GroupId, DeploymentType: 'Redeployment', DeploymentId: first }),
  );
  const { Deployments = [] } = await v1.client.send(new ListDeploymentsCommand({ GroupId }));
  expect(Deployments.map(({ DeploymentType }) => DeploymentType)).toEqual(['Redeployment', 'NewDeployment']);
  expect(new Set(Deployments.map(({ GroupArn }) => GroupArn)).size).toBe(1);
});

test('a reset wants a deployment; a forced one ends what an offline core holds up, and the group can go', async () => {
  const group = await groupWith();
  const { GroupId } = group;
  await expect(v1.client.send(new ResetDeploymentsCommand({ GroupId }))).rejects.toEqual(
    failure('ResourceNotFoundException', /already been reset/),
  );
  const id = await deploy(group);
  v1.step();
  await expect(v1.client.send(new DeleteGroupCommand({ GroupId }))).rejects.toEqual(
    failure('InvalidInputException', /reset/),
  );
  await v1.client.send(new ResetDeploymentsCommand({ GroupId, Force: true }));
  v1.step();
  expect(await statusOf(group, id)).toMatchObject({ DeploymentStatus: 'Failure' });
  await v1.client.send(new DeleteGroupCommand({ GroupId }));
  expect((await v1.client.send(new ListGroupsCommand({}))).Groups).toEqual([]);
});

test('a deployment under way goes on after a restart', async () => {
  const group = await groupWith();
  const id = await deploy(group);
  await v1.restart();
  v1.step();
  expect(await statusOf(group, id)).toMatchObject({ DeploymentStatus: 'InProgress' });
  v1.report({ status: 'Success' });
  expect(await statusOf(group, id)).toMatchObject({ DeploymentStatus: 'Success' });
});

test('roles of the account and of a group', async () => {
  const { GroupId } = await groupWith();
  const RoleArn = `arn:aws:iam::${ACCOUNT}:role/functions`;
  await expect(v1.client.send(new GetAssociatedRoleCommand({ GroupId }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
  await v1.client.send(new AssociateRoleToGroupCommand({ GroupId, RoleArn }));
  expect(await v1.client.send(new GetAssociatedRoleCommand({ GroupId }))).toMatchObject({ RoleArn });
  expect(await v1.client.send(new GetServiceRoleForAccountCommand({}))).toMatchObject({
    RoleArn: SERVICE_ROLE,
  });
});

test("a group's authority is the one that signs the cores' certificates", async () => {
  const { GroupId } = await groupWith();
  const created = await v1.client.send(new CreateGroupCertificateAuthorityCommand({ GroupId }));
  const { GroupCertificateAuthorities: all = [] } = await v1.client.send(
    new ListGroupCertificateAuthoritiesCommand({ GroupId }),
  );
  expect(all).toHaveLength(1);
  const CertificateAuthorityId = all[0]?.GroupCertificateAuthorityId;
  expect(created.GroupCertificateAuthorityArn).toContain(CertificateAuthorityId);
  expect(
    await v1.client.send(new GetGroupCertificateAuthorityCommand({ GroupId, CertificateAuthorityId })),
  ).toMatchObject({ PemEncodedCertificate: 'PEM of the authority' });
});

test('IAM decides: by action, and by the ARN of the group', async () => {
  const group = await groupWith();
  const { GroupId } = group;
  const arn = `arn:aws:greengrass:${REGION}:${ACCOUNT}:/greengrass/groups/${GroupId}`;
  const client = v1.clientOf(
    v1.credentialsOf(
      allow('greengrass:ListDeployments', arn),
      allow('greengrass:CreateDeployment', `${arn}x`),
    ),
  );
  await client.send(new ListDeploymentsCommand({ GroupId }));
  for (const command of [new ListGroupsCommand({}), new ListDeploymentsCommand({ GroupId: 'other' })]) {
    await expect(client.send(command as ListGroupsCommand)).rejects.toEqual(failure('AccessDeniedException'));
  }
  await expect(
    client.send(new CreateDeploymentCommand({ DeploymentType: 'NewDeployment', ...group })),
  ).rejects.toEqual(failure('AccessDeniedException'));
});

test('a throttled request says so', async () => {
  v1.throttle.set('ListGroups', 1);
  await expect(v1.client.send(new ListGroupsCommand({}))).rejects.toEqual(
    failure('TooManyRequestsException', /Rate exceeded/),
  );
  await v1.client.send(new ListGroupsCommand({}));
});
