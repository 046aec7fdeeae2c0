import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateRoleAliasCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeRoleAliasCommand,
  DescribeThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  GetPolicyCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListPrincipalThingsCommand,
  ListThingPrincipalsCommand,
  ListThingsCommand,
  ListThingGroupsCommand,
  RegisterCertificateWithoutCACommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { certificateIdOf } from '../../../../lib/x509/certificateId';
import {
  ACCOUNT,
  addDevice,
  allow,
  arn,
  clientConfig,
  closeClients,
  closed,
  connect,
  OWN_TOPICS,
  roleCredentials,
  startCloud,
  type TestCloud,
} from './harness';

let test_: TestCloud;
beforeEach(async () => {
  test_ = await startCloud();
});
afterEach(async () => {
  await closeClients();
  await test_.close();
});

const failure = (name: string) => expect.objectContaining({ name });

test('a device is made from nothing, as on AWS, and connects', async () => {
  const { iot } = test_;
  const thing = await iot.send(
    new CreateThingCommand({ thingName: 'core-1', attributePayload: { attributes: { site: 'a' } } }),
  );
  expect(thing).toMatchObject({ thingName: 'core-1', thingArn: arn('thing/core-1') });
  const made = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
  expect(made.certificateId).toBe(certificateIdOf(made.certificatePem ?? ''));
  expect(made.certificateArn).toBe(arn(`cert/${made.certificateId}`));
  expect(made.keyPair?.PublicKey).toMatch('BEGIN PUBLIC KEY');
  const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement: OWN_TOPICS });
  expect(await iot.send(new CreatePolicyCommand({ policyName: 'core', policyDocument }))).toMatchObject({
    policyArn: arn('policy/core'),
    policyVersionId: '1',
    policyDocument,
  });
  const principal = made.certificateArn;
  await iot.send(new AttachThingPrincipalCommand({ thingName: 'core-1', principal }));
  await iot.send(new AttachPolicyCommand({ policyName: 'core', target: principal }));

  expect(await iot.send(new ListThingPrincipalsCommand({ thingName: 'core-1' }))).toMatchObject({
    principals: [principal],
  });
  expect(await iot.send(new ListPrincipalThingsCommand({ principal }))).toMatchObject({ things: ['core-1'] });
  expect(await iot.send(new ListAttachedPoliciesCommand({ target: principal }))).toMatchObject({
    policies: [{ policyName: 'core', policyArn: arn('policy/core') }],
  });
  const device = {
    thingName: 'core-1',
    certificatePem: made.certificatePem ?? '',
    privateKeyPem: made.keyPair?.PrivateKey ?? '',
    certificateId: made.certificateId ?? '',
  };
  expect((await connect(test_, device)).connected).toBe(true);
});

test('things are described, listed in pages and deleted', async () => {
  const { iot } = test_;
  for (const thingName of ['a', 'b', 'c']) {
    await iot.send(new CreateThingCommand({ thingName, attributePayload: { attributes: { n: thingName } } }));
  }
  expect(await iot.send(new DescribeThingCommand({ thingName: 'a' }))).toMatchObject({
    thingName: 'a',
    defaultClientId: 'a',
    attributes: { n: 'a' },
    version: 1,
  });
  const first = await iot.send(new ListThingsCommand({ maxResults: 2 }));
  const rest = await iot.send(new ListThingsCommand({ maxResults: 2, nextToken: first.nextToken }));
  expect([...(first.things ?? []), ...(rest.things ?? [])].map(({ thingName }) => thingName)).toEqual([
    'a',
    'b',
    'c',
  ]);
  expect(rest.nextToken).toBeUndefined();
  await iot.send(new DeleteThingCommand({ thingName: 'a' }));
  await iot.send(new DeleteThingCommand({ thingName: 'a' }));
  await expect(iot.send(new DescribeThingCommand({ thingName: 'a' }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
});

test('creating a thing again is no error unless its attributes differ', async () => {
  await test_.iot.send(new CreateThingCommand({ thingName: 'a' }));
  await test_.iot.send(new CreateThingCommand({ thingName: 'a' }));
  const other = new CreateThingCommand({ thingName: 'a', attributePayload: { attributes: { x: '1' } } });
  await expect(test_.iot.send(other)).rejects.toEqual(failure('ResourceAlreadyExistsException'));
  await expect(test_.iot.send(new CreateThingCommand({ thingName: 'a/b' }))).rejects.toEqual(
    failure('InvalidRequestException'),
  );
});

test('a certificate is registered, described, deactivated and deleted in the order that AWS asks for', async () => {
  const { iot, authority } = test_;
  const { certificatePem, certificateId } = await authority.issueClient({ commonName: 'x' });
  const registered = await iot.send(
    new RegisterCertificateWithoutCACommand({ certificatePem, status: 'ACTIVE' }),
  );
  expect(registered).toMatchObject({ certificateId, certificateArn: arn(`cert/${certificateId}`) });
  await expect(iot.send(new RegisterCertificateWithoutCACommand({ certificatePem }))).rejects.toEqual(
    failure('ResourceAlreadyExistsException'),
  );
  const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
  expect(certificateDescription).toMatchObject({ certificateId, certificatePem, status: 'ACTIVE' });
  expect(certificateDescription?.creationDate).toBeInstanceOf(Date);
  expect(certificateDescription?.validity?.notAfter?.getTime()).toBeGreaterThan(Date.now());

  const principal = registered.certificateArn;
  await iot.send(new CreateThingCommand({ thingName: 'x' }));
  await iot.send(new AttachThingPrincipalCommand({ thingName: 'x', principal }));
  await expect(iot.send(new DeleteThingCommand({ thingName: 'x' }))).rejects.toEqual(
    failure('InvalidRequestException'),
  );
  const remove = () => iot.send(new DeleteCertificateCommand({ certificateId }));
  await expect(remove()).rejects.toEqual(failure('CertificateStateException'));
  await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
  await expect(remove()).rejects.toEqual(failure('DeleteConflictException'));
  await iot.send(new DetachThingPrincipalCommand({ thingName: 'x', principal }));
  await remove();
  await expect(iot.send(new DescribeCertificateCommand({ certificateId }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
});

test('what is not a certificate is refused', async () => {
  const command = new RegisterCertificateWithoutCACommand({ certificatePem: 'no' });
  await expect(test_.iot.send(command)).rejects.toEqual(failure('CertificateValidationException'));
});

test.each(['INACTIVE', 'REVOKED'] as const)(
  'a certificate that becomes %s loses its connection',
  async (newStatus) => {
    const device = await addDevice(test_, 'sensor-1');
    const other = await addDevice(test_, 'sensor-2');
    const [client, untouched] = [await connect(test_, device), await connect(test_, other)];
    const gone = closed(client);
    await test_.iot.send(new UpdateCertificateCommand({ certificateId: device.certificateId, newStatus }));
    await gone;
    await expect(connect(test_, device)).rejects.toThrow();
    await untouched.subscribeAsync('sensor-2/a');
    expect(untouched.connected).toBe(true);
  },
);

test('policies are read back, checked, and not deleted while attached', async () => {
  const { iot } = test_;
  const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [allow('iot:Connect', '*')] });
  await iot.send(new CreatePolicyCommand({ policyName: 'p', policyDocument }));
  await expect(iot.send(new CreatePolicyCommand({ policyName: 'p', policyDocument }))).rejects.toEqual(
    failure('ResourceAlreadyExistsException'),
  );
  expect(await iot.send(new GetPolicyCommand({ policyName: 'p' }))).toMatchObject({ policyDocument });
  for (const malformed of [
    '{',
    '{}',
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow' }] }),
  ]) {
    const command = new CreatePolicyCommand({ policyName: 'q', policyDocument: malformed });
    await expect(iot.send(command)).rejects.toEqual(failure('MalformedPolicyException'));
  }
  const { certificateArn: target } = await iot.send(new CreateKeysAndCertificateCommand({}));
  await iot.send(new AttachPolicyCommand({ policyName: 'p', target }));
  await expect(iot.send(new DeletePolicyCommand({ policyName: 'p' }))).rejects.toEqual(
    failure('DeleteConflictException'),
  );
  await iot.send(new DetachPolicyCommand({ policyName: 'p', target }));
  await iot.send(new DeletePolicyCommand({ policyName: 'p' }));
  await expect(iot.send(new DeletePolicyCommand({ policyName: 'p' }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
  await expect(iot.send(new AttachPolicyCommand({ policyName: 'p', target }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
});

test('role aliases and endpoints', async () => {
  const { iot, iotCore } = test_;
  const roleArn = `arn:aws:iam::${ACCOUNT}:role/core`;
  expect(
    await iot.send(new CreateRoleAliasCommand({ roleAlias: 'a', roleArn, credentialDurationSeconds: 900 })),
  ).toMatchObject({ roleAlias: 'a', roleAliasArn: arn('rolealias/a') });
  expect(await iot.send(new DescribeRoleAliasCommand({ roleAlias: 'a' }))).toMatchObject({
    roleAliasDescription: { roleAlias: 'a', roleArn, credentialDurationSeconds: 900, owner: ACCOUNT },
  });
  expect(await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }))).toMatchObject({
    endpointAddress: `127.0.0.1:${iotCore.mqtt.port}`,
  });
  expect(
    await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:CredentialProvider' })),
  ).toMatchObject({
    endpointAddress: iotCore.tlsUrl.replace('https://', ''),
  });
  await expect(iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Jobs' }))).rejects.toEqual(
    failure('InvalidRequestException'),
  );
});

test('a role does what its policies allow and no more', async () => {
  const statements = [allow('iot:DescribeCertificate', arn('cert/*')), allow('iot:ListPrincipalThings', '*')];
  const iot = new IoTClient(clientConfig(test_.iotCore.controlUrl, roleCredentials(test_, statements)));
  const { certificateId } = await addDevice(test_, 'sensor-1');
  const principal = arn(`cert/${certificateId}`);
  expect(await iot.send(new ListPrincipalThingsCommand({ principal }))).toMatchObject({
    things: ['sensor-1'],
  });
  expect(
    (await iot.send(new DescribeCertificateCommand({ certificateId }))).certificateDescription?.status,
  ).toBe('ACTIVE');
  await expect(iot.send(new DescribeThingCommand({ thingName: 'sensor-1' }))).rejects.toEqual(
    failure('AccessDeniedException'),
  );
  iot.destroy();
});

test('a wrong key is refused', async () => {
  const credentials = { ...test_.cloud.iam.operator, secretAccessKey: 'wrong' };
  const iot = new IoTClient(clientConfig(test_.iotCore.controlUrl, credentials));
  await expect(iot.send(new ListThingsCommand({}))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 403 },
  });
  iot.destroy();
});

test('what is not supported has the shape of AWS and a line in the log', async () => {
  await expect(test_.iot.send(new ListThingGroupsCommand({}))).rejects.toEqual(
    failure('UnknownOperationException'),
  );
  expect(test_.log).toContainEqual(
    expect.objectContaining({ path: '/thing-groups', method: 'GET', level: 40 }),
  );
});

test('everything is there after a restart', async () => {
  const device = await addDevice(test_, 'sensor-1');
  test_.iotCore.registry.roleAliases.put('a', { roleArn: `arn:aws:iam::${ACCOUNT}:role/core` });
  await test_.restart();
  const target = arn(`cert/${device.certificateId}`);
  expect(await test_.iot.send(new ListAttachedPoliciesCommand({ target }))).toMatchObject({
    policies: [{ policyName: 'sensor-1-policy' }],
  });
  expect(await test_.iot.send(new ListThingPrincipalsCommand({ thingName: 'sensor-1' }))).toMatchObject({
    principals: [target],
  });
  await test_.iot.send(new DescribeRoleAliasCommand({ roleAlias: 'a' }));
});
