import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { startLocalCloud, type LocalCloud } from '../../../local';
import { createOperator, type Operator } from '../../../operations/operator';
import type { ServiceOutputs } from '../../../operations/outputs';
import { GreengrassRemoval } from '../../../operations/cores/greengrass/removal';
import { keys } from '../../../protocol';
import { removeService, type RemovalOptions } from '../../../operations/removal/removal';

/** A rule that stores what cores send, and what a removal makes of it. */
const Bucket = 'state';
const RULE = 'status';
const outputs = {
  corePolicy: 'shop-dev-edge-core',
  devicePolicy: 'shop-dev-edge-device',
  corePrefix: 'edge/shop-dev',
  stateBucket: Bucket,
} as ServiceOutputs;

let dir: string;
let cloud: LocalCloud;
let operator: Operator;
let data: IoTDataPlaneClient;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'removal-'));
  cloud = await startLocalCloud({ stateDir: path.join(dir, 'cloud') });
  operator = createOperator(cloud.environment());
  data = new IoTDataPlaneClient({
    region: cloud.region,
    endpoint: cloud.endpoints.iotData,
    credentials: {
      accessKeyId: cloud.environment()['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: cloud.environment()['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  });
  await cloud.services.s3.createBucket(Bucket);
  const allow = (Action: string, more: object) => ({
    Statement: [{ Effect: 'Allow' as const, Action, Resource: '*', ...more }],
  });
  const { arn: roleArn } = cloud.services.roles.putRole({
    name: 'rules',
    assumeRolePolicy: allow('sts:AssumeRole', { Principal: { Service: 'iot.amazonaws.com' } }),
    inline: [allow('s3:PutObject', {})],
    managedArns: [],
  });
  cloud.services.iotCore.putRule(RULE, {
    sql: "SELECT * FROM 'status'",
    actions: [{ s3: { bucketName: Bucket, key: 'status/core.json', roleArn } }],
  });
});

afterAll(async () => {
  data.destroy();
  operator.close();
  await cloud.close();
  await rm(dir, { recursive: true, force: true });
});

/** Keys in the bucket after a core has reported. */
async function keysAfterReport(): Promise<(string | undefined)[]> {
  await data.send(new PublishCommand({ topic: 'status', payload: Buffer.from('{}') }));
  await cloud.idle();
  const { Contents = [] } = await operator.clients.s3.send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key }) => Key);
}

const remove = (options: Partial<RemovalOptions>) =>
  removeService(
    { operator, outputs },
    { createFunction: 'createFunction', buckets: [{ name: Bucket }], rules: [RULE], ...options },
  );

test('a removal that fails leaves the rules as they were', async () => {
  await expect(remove({ createFunction: 'no name of a function' })).rejects.toThrow(/not a function name/);
  expect(await keysAfterReport()).toEqual(['status/core.json']);
});

test('nothing is stored after the buckets were emptied', async () => {
  const { objects, problems } = await remove({});
  expect({ objects, problems }).toEqual({ objects: { [Bucket]: 1 }, problems: [] });
  expect(await keysAfterReport()).toEqual([]);
});

test('a rule that cannot be disabled is named, and keeps nothing from being removed', async () => {
  const { problems } = await remove({ rules: ['deletedByHand'] });
  expect(problems).toEqual([expect.stringContaining('deletedByHand')]);
});

test('a definition that was spoilt by hand is named, and keeps nothing from being removed', async () => {
  const put = { Bucket, Key: keys.definition('workshop'), Body: 'spoilt' };
  await operator.clients.s3.send(new PutObjectCommand(put));
  const platform = new GreengrassRemoval();
  const { objects } = await remove({ platform });
  const { components } = platform;
  expect(components.problems).toEqual([expect.stringContaining('workshop')]);
  expect(objects).toEqual({ [Bucket]: 1 });
});
