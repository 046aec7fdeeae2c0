import type { DeviceProcess } from '../../local';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';

/** The whole way: framework CLI, local cloud, edge core and devices in processes of their own. */
describe('a device asks its edge for functions', () => {
  let environment: TestEnvironment;
  let device: DeviceProcess;

  beforeAll(async () => {
    environment = await startTestEnvironment();
    await environment.startEdge(GROUP);
    device = await environment.connectDevice('sensor-1');
  });
  afterAll(() => environment?.close());

  it('gets a function that is on the edge already', async () => {
    await expect(device.deploy('smoothSignal')).resolves.toMatchObject({ version: '1.0.0' });
    expect(device.progress.filter(({ name }) => name === 'smoothSignal')).toEqual([]);
  });

  it('gets a function that was not there, and calls it', async () => {
    await expect(device.deploy('detectAnomaly', { version: '^1' })).resolves.toMatchObject({
      version: '1.2.0',
    });
    const samples = [20, 20.1, 19.9, 20, 20.2, 35, 20, 19.8, 20.1];
    await expect(device.invoke('detectAnomaly', { samples })).resolves.toMatchObject({
      anomalies: [{ index: 5, value: 35 }],
    });
  });

  it('calls a function in the cloud', async () => {
    const model = await device.invoke('trainModel', { samples: [1, 2, 3, 4] }, { location: 'cloud' });
    expect(model).toMatchObject({ slope: 1, intercept: 1, samples: 4 });
  });

  it('calls a function asynchronously', async () => {
    await device.deploy('smoothSignal');
    await expect(device.send('smoothSignal', { samples: [1, 2, 3] })).resolves.toBeDefined();
  });

  it.each([
    ['a function that does not exist', 'readTheFuture', 'FUNCTION_NOT_FOUND'],
    ['a function that it may not use', 'calibrateSensor', 'NOT_ENTITLED'],
    ['a function that does not run on edges', 'trainModel', 'LOCATION_NOT_ALLOWED'],
  ])('is refused %s', async (_what, name, code) => {
    await expect(device.deploy(name)).rejects.toMatchObject({ code });
  });
});
