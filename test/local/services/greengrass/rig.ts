import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import type { Recipe } from '../../../../protocol/greengrass/recipe';
import { AwsError, type Credentials, type Service } from '../../../../local/base/context';
import type { ServiceEvent } from '../../../../local/services/eventBridge';
import { createGreengrass } from '../../../../local/services/greengrass';
import {
  addDevice,
  allow,
  arn,
  clientConfig,
  startCloud,
  type Device,
  type TestCloud,
} from '../iotCore/harness';
import { requestOf } from '../iotCore/httpsClient';

const THING = '${iot:Connection.Thing.ThingName}';
/** What the nucleus needs (developer guide, "Minimal AWS IoT policy"). */
const NUCLEUS_POLICY = [
  allow('iot:Connect', arn(`client/${THING}`)),
  allow('iot:Publish', arn(`topic/$aws/things/${THING}/greengrassv2/health/json`)),
  allow('iot:Subscribe', [
    arn(`topicfilter/$aws/things/${THING}/shadow/name/AWSManagedGreengrassV2Deployment/*`),
    arn(`topicfilter/$aws/things/${THING}/jobs/*`),
  ]),
  allow(
    [
      'greengrass:ResolveComponentCandidates',
      'greengrass:GetDeploymentConfiguration',
      'greengrass:ListThingGroupsForCoreDevice',
    ],
    '*',
  ),
];

/** Greengrass on a fresh folder, with a core named `core-1`. */
export interface GreengrassRig {
  test: TestCloud;
  client: GreengrassV2Client;
  core: Device;
  /** By `bucket/key`. */
  objects: Map<string, Buffer>;
  events: ServiceEvent[];
  /** Operations that are throttled. */
  throttled: Set<string>;
  restart(): Promise<void>;
  clientOf(credentials: Credentials): GreengrassV2Client;
  /** A request of the core to the channel of the nucleus. */
  asCore(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  close(): Promise<void>;
}

export async function startRig(): Promise<GreengrassRig> {
  const test = await startCloud();
  const rig = { test, objects: new Map(), events: [], throttled: new Set() } as unknown as GreengrassRig;
  let greengrass: Service;
  const clients: GreengrassV2Client[] = [];
  rig.clientOf = (credentials) => {
    const client = new GreengrassV2Client(clientConfig(greengrass.url, credentials));
    clients.push(client);
    return client;
  };
  const start = async (): Promise<void> => {
    greengrass = await createGreengrass(test.cloud, test.iotCore, {
      async readObject(bucket, key) {
        const object = rig.objects.get(`${bucket}/${key}`);
        if (object === undefined) throw new AwsError('NoSuchKey', `no ${key} in ${bucket}`, 404);
        return object;
      },
      putEvent: (event) => void rig.events.push(event),
      throttle: (operation) => rig.throttled.has(operation),
    });
    rig.client = rig.clientOf(test.cloud.iam.operator);
  };
  const stop = async (): Promise<void> => {
    for (const client of clients.splice(0)) client.destroy();
    await greengrass.close();
  };
  rig.restart = async () => {
    await stop();
    await test.restart();
    await start();
  };
  rig.asCore = (method, path, body) => requestOf(test, rig.core, method, path, body);
  rig.close = async () => {
    await stop();
    await test.close();
  };
  await start();
  rig.core = await addDevice(test, 'core-1', NUCLEUS_POLICY);
  return rig;
}

export function recipeOf(name: string, version = '1.0.0', more: Partial<Recipe> = {}): Recipe {
  return {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: name,
    ComponentVersion: version,
    Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { run: 'sleep 1000' } }],
    ...more,
  };
}

export const failure = (name: string, more: object = {}): unknown =>
  expect.objectContaining({ name, ...more });
