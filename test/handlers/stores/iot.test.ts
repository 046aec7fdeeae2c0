import { GetRetainedMessageCommand } from '@aws-sdk/client-iot-data-plane';
import { AttachThingPrincipalCommand, UpdateCertificateCommand } from '@aws-sdk/client-iot';
import { IotCoreMessages } from '../../../handlers/stores/coreMessages';
import { IotDeviceDirectory } from '../../../handlers/stores/deviceDirectory';
import {
  addDevice,
  allow,
  arn,
  closeClients,
  connect,
  nextMessage,
  startCloud,
  type TestCloud,
} from '../../local/services/iotCore/harness';
import { MessageChecker } from '../../support/asyncApi';

/** The adapters over AWS IoT's wire protocols: SDK clients, local cloud. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await closeClients();
  await cloud.close();
});

describe('IotDeviceDirectory', () => {
  it('names the thing of an active certificate', async () => {
    const directory = new IotDeviceDirectory(cloud.iot);
    const { certificateId } = await addDevice(cloud, 'rover');
    expect(await directory.find(certificateId)).toEqual({ thingName: 'rover' });
    expect(await directory.find('0'.repeat(64))).toBeUndefined();
  });

  it('names none for a certificate that is inactive, or on two things', async () => {
    const directory = new IotDeviceDirectory(cloud.iot);
    const inactive = await addDevice(cloud, 'camera-1');
    await cloud.iot.send(
      new UpdateCertificateCommand({ certificateId: inactive.certificateId, newStatus: 'INACTIVE' }),
    );
    expect(await directory.find(inactive.certificateId)).toBeUndefined();
    const shared = await addDevice(cloud, 'camera-2');
    cloud.iotCore.registry.things.create('camera-3');
    const principal = arn(`cert/${shared.certificateId}`);
    await cloud.iot.send(new AttachThingPrincipalCommand({ thingName: 'camera-3', principal }));
    expect(await directory.find(shared.certificateId)).toBeUndefined();
  });
});

describe('IotCoreMessages', () => {
  it('reach the core on its own topics, as docs/asyncapi.json says; the revision notice is retained, a failure is not', async () => {
    const document = await MessageChecker.fromDocument();
    const prefix = 'edge/shop-dev';
    const core = await addDevice(cloud, 'core-1', [
      allow('iot:Connect', arn('client/core-1')),
      allow('iot:Receive', arn(`topic/${prefix}/core/core-1/*`)),
      allow('iot:Subscribe', arn(`topicfilter/${prefix}/core/core-1/*`)),
    ]);
    const client = await connect(cloud, core);
    await client.subscribeAsync(`${prefix}/core/core-1/+`, { qos: 1 });
    const messages = new IotCoreMessages(cloud.data, prefix);
    const received = async (send: Promise<void>): Promise<[string, unknown]> => {
      const arrived = nextMessage(client);
      await send;
      const { topic, payload } = await arrived;
      const message = JSON.parse(payload) as unknown;
      document.check({ direction: 'sent', topic, message });
      return [topic, message];
    };
    expect(await received(messages.accepted('core-1', 'r-1'))).toEqual([
      `${prefix}/core/core-1/accepted`,
      { requestId: 'r-1' },
    ]);
    const error = { code: 'NOT_ENTITLED' as const, message: 'no' };
    expect(await received(messages.refused('core-1', undefined, error))).toEqual([
      `${prefix}/core/core-1/refused`,
      { error },
    ]);
    expect(await received(messages.announce('core-1', { group: 'plant', revision: 7 }))).toEqual([
      `${prefix}/core/core-1/revision`,
      { group: 'plant', revision: 7 },
    ]);
    expect(await received(messages.announce('core-1', { group: 'plant', revision: 7, error }))).toEqual([
      `${prefix}/core/core-1/revision`,
      { group: 'plant', revision: 7, error },
    ]);
    const retained = await cloud.data.send(
      new GetRetainedMessageCommand({ topic: `${prefix}/core/core-1/revision` }),
    );
    expect(JSON.parse(Buffer.from(retained.payload ?? []).toString())).toEqual({
      group: 'plant',
      revision: 7,
    });
  });
});
