import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type DeviceProcess, type Edge, functionPackage } from '../../../local';
import { functionComponentName, wantedFunctions } from '../../../protocol';
import { type TestEnvironment } from '../../support/environment';
import { Gate } from '../../support/gate';
import { definitionOf } from '../../support/operatorChange';
import { LiveService } from '../../support/liveService';
import { withEngine } from '../../support/packaged';
import { keepCalling } from '../../support/steadyCaller';
import { until } from '../../support/until';

const WHO = 'exports.handler = async () => process.pid;';

/** What Greengrass brings, takes away and does not bring, while devices call. */
describe('functions as components of a Greengrass core', () => {
  let service: LiveService;
  let environment: TestEnvironment;
  let edge: Edge;
  let device: DeviceProcess;
  let gate: Gate;

  beforeAll(async () => {
    service = await LiveService.start(withEngine('greengrassv2', 'components'));
    ({ environment } = service);
    gate = await Gate.make();
    edge = await service.startEdge();
    device = await environment.connectDevice('sensor-1');
  });

  afterAll(async () => {
    await service?.close();
    await gate.remove();
  });

  async function register(name: string, version: string, source: string): Promise<void> {
    const bytes = await functionPackage(
      { 'index.js': source },
      { name, handler: 'index.handler', version, locations: ['edge'] },
    );
    await environment.registerPackages([{ name, bytes }]);
  }

  const componentOf = (name: string) => functionComponentName(environment.outputs.corePrefix, name);

  it('serves with the old version until the new one has loaded, however early Greengrass stops it', async () => {
    await register('who', '1.0.0', WHO);
    await device.deploy('who');
    const before = await device.invoke('who', {});
    await register('who', '2.0.0', `${gate.wait}\n${WHO}`);
    const steady = keepCalling(device, 'who', {});
    await steady.proceeds();
    const isOld = ({ function: key }: Record<string, unknown>) => key === 'who@1.0.0';
    const leaving = edge.process.waitFor('leaving', { where: isOld });
    const deployed = device.deploy('who', { version: '2.0.0' });
    await gate.arrivals(1);
    await leaving;
    await steady.proceeds();
    expect(await device.invoke('who', {})).toBe(before);
    await gate.open();
    expect(await deployed).toMatchObject({ version: '2.0.0' });
    await steady.proceeds();
    await steady.stop();
    expect(await device.invokeReported('who', {})).toMatchObject({ report: { version: '2.0.0' } });
  });

  it('tells the device that asked why the node could not take it, and brings it once the node can', async () => {
    await register('bulky', '1.0.0', WHO);
    const steady = keepCalling(device, 'who', {});
    await steady.proceeds();
    // Where the nucleus would put its artifacts there is no room for a folder.
    const root = path.join(path.dirname(edge.configFile), 'v2', 'packages', 'artifacts');
    const obstacle = path.join(root, componentOf('bulky'));
    await writeFile(obstacle, '');
    await expect(device.deploy('bulky')).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringContaining('Greengrass deployment FAILED'),
    });
    const wanted = async () => wantedFunctions(await definitionOf(environment)).map(({ key }) => key);
    await until('the end of its claim', async () => !(await wanted()).includes('bulky@1.0.0') || undefined);
    expect((await definitionOf(environment)).rollbacks ?? {}).not.toHaveProperty(['bulky@1.0.0']);
    await rm(obstacle);
    expect(await device.deploy('bulky')).toMatchObject({ version: '1.0.0' });
    expect(await device.invoke('bulky', {})).toEqual(expect.any(Number));
    await steady.proceeds();
    await steady.stop();
  });
});
