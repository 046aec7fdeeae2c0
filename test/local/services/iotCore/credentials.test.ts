import { IoTClient, ListThingsCommand } from '@aws-sdk/client-iot';
import type { Credentials } from '../../../../local/base/context';
import {
  addDevice,
  allow,
  arn,
  clientConfig,
  roleOf,
  startCloud,
  type Device,
  type TestCloud,
} from './harness';
import { get } from './httpsClient';

const PATH = '/role-aliases/core-alias/credentials';
const ASSUME = allow('iot:AssumeRoleWithCertificate', arn('rolealias/core-alias'));

let test_: TestCloud;
let device: Device;
beforeEach(async () => {
  test_ = await startCloud();
  device = await addDevice(test_, 'core-1', [ASSUME]);
  const role = roleOf('core', 'credentials.iot.amazonaws.com', [allow('iot:ListThings', '*')]);
  const roleArn = test_.cloud.iam.putRole(role).arn;
  test_.iotCore.registry.roleAliases.put('core-alias', { roleArn, credentialDurationSeconds: 900 });
});
afterEach(() => test_.close());

test('a certificate gets credentials of the role, in a session that bears its id', async () => {
  const { status, body } = await get(test_, device, PATH, { 'x-amzn-iot-thingname': 'core-1' });
  expect(status).toBe(200);
  const { credentials } = body as { credentials: Required<Credentials> };
  expect(Object.keys(credentials).sort()).toEqual([
    'accessKeyId',
    'expiration',
    'secretAccessKey',
    'sessionToken',
  ]);
  const secondsLeft = (Date.parse(credentials.expiration) - Date.now()) / 1000;
  expect(secondsLeft).toBeGreaterThan(800);
  expect(secondsLeft).toBeLessThanOrEqual(900);
  const iot = new IoTClient(clientConfig(test_.iotCore.controlUrl, credentials));
  expect((await iot.send(new ListThingsCommand({}))).things).toHaveLength(1);
  iot.destroy();
  const session = `assumed-role/core/${device.certificateId}`;
  expect(test_.log.some(({ principal }) => String(principal).endsWith(session))).toBe(true);
  expect(test_.iotCore.credentialVariables(credentials.accessKeyId)).toEqual({
    'credentials-iot:ThingName': 'core-1',
  });
  expect(JSON.stringify(test_.log)).not.toContain(credentials.secretAccessKey);
});

test('the thing name may be left out, but not be that of another', async () => {
  expect((await get(test_, device, PATH)).status).toBe(200);
  await addDevice(test_, 'core-2');
  const answer = await get(test_, device, PATH, { 'x-amzn-iot-thingname': 'core-2' });
  expect(answer).toMatchObject({ status: 403, body: { message: 'Invalid thing name passed' } });
});

test.each<[string, () => unknown]>([
  [
    'its policy does not allow the alias',
    () => test_.iotCore.registry.policies.put('core-1-policy', policy('rolealias/other')),
  ],
  ['it is inactive', () => test_.iotCore.registry.certificates.update(device.certificateId, 'INACTIVE')],
  [
    'the role does not trust the credentials provider',
    () => test_.cloud.iam.putRole(roleOf('core', 'lambda.amazonaws.com', [])),
  ],
])('a certificate is refused when %s', async (_what, change) => {
  change();
  expect((await get(test_, device, PATH)).status).toBe(403);
});

test('no certificate, or one that nobody registered, is refused', async () => {
  expect((await get(test_, {}, PATH)).status).toBe(403);
  const stranger = await test_.authority.issueClient({ commonName: 'core-1' });
  expect((await get(test_, stranger, PATH)).status).toBe(403);
});

test('an unknown alias and an unknown path', async () => {
  test_.iotCore.registry.policies.put('core-1-policy', policy('rolealias/*'));
  expect((await get(test_, device, '/role-aliases/none/credentials')).status).toBe(404);
  expect((await get(test_, device, '/role-aliases/%ff/credentials')).status).toBe(400);
  expect((await get(test_, device, '/topics/x')).status).toBe(404);
});

function policy(resource: string): unknown {
  return { Version: '2012-10-17', Statement: allow('iot:AssumeRoleWithCertificate', arn(resource)) };
}
