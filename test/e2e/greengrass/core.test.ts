import { ListInstalledComponentsCommand } from '@aws-sdk/client-greengrassv2';
import { GreengrassCore } from '../../../local/dev/greengrassEdge';
import type { DeviceProcess, Edge } from '../../../local';
import { functionComponentName, wantedFunctions } from '../../../protocol';
import { GROUP, type TestEnvironment } from '../../support/environment';
import { definitionOf } from '../../support/operatorChange';
import { LiveService } from '../../support/liveService';
import { withEngine } from '../../support/packaged';
import { processTree, survivors } from '../../support/processTree';
import { keepCalling } from '../../support/steadyCaller';
import { until } from '../../support/until';

const WHO = 'exports.handler = async () => ({ pid: process.pid });';
const BROKEN = 'throw new RangeError("no such sensor");';

/**
 * The edge core as a component on the simulated nucleus, through AWS's own IPC client: the same product as
 * a standalone core, as far as a device can tell.
 */
describe.each(['hot', 'components'] as const)('a Greengrass core, delivery %s', (delivery) => {
  let service: LiveService;
  let environment: TestEnvironment;
  let edge: Edge;
  let device: DeviceProcess;

  beforeAll(async () => {
    service = await LiveService.start(withEngine('greengrassv2', delivery));
    ({ environment } = service);
    edge = await service.startEdge();
    device = await environment.connectDevice('sensor-1');
  });

  afterAll(() => service?.close());

  const starts = () =>
    edge.process.events.filter(
      ({ event, component, state }) =>
        event === 'component' && String(component).endsWith('.core') && state === 'STARTING',
    ).length;

  const installed = async (): Promise<Record<string, string>> => {
    const { installedComponents = [] } = await environment.operator.clients.greengrass.send(
      new ListInstalledComponentsCommand({ coreDeviceThingName: edge.core, topologyFilter: 'ALL' }),
    );
    return Object.fromEntries(
      installedComponents.map((each) => [each.componentName ?? '', each.lifecycleState ?? '']),
    );
  };

  const pidOf = async (name: string) => ((await device.invoke(name, {})) as { pid: number }).pid;

  it('puts a function there on demand, and disturbs nothing else', async () => {
    await environment.registerFunction('who', WHO);
    await environment.registerFunction('other', WHO);
    await device.deploy('who');
    const pid = await pidOf('who');
    const steady = keepCalling(device, 'who', {});
    await steady.proceeds();
    await device.deploy('other');
    expect(await pidOf('other')).not.toBe(pid);
    await steady.proceeds();
    await steady.stop();
    expect(await pidOf('who')).toBe(pid);
    expect(starts()).toBe(1);
    const { corePrefix } = environment.outputs;
    const component = functionComponentName(corePrefix, 'other');
    if (delivery === 'hot') expect(await installed()).not.toHaveProperty([component]);
    else await until('the report', async () => (await installed())[component] === 'RUNNING' || undefined);
  });

  it('tells a device why a function does not start, and goes on with the others', async () => {
    await environment.registerFunction('broken', BROKEN);
    const pid = await pidOf('who');
    await expect(device.deploy('broken')).rejects.toMatchObject({
      code: 'FUNCTION_INIT_FAILED',
      message: 'no such sensor',
    });
    expect(await pidOf('who')).toBe(pid);
    await until('the end of its claim', async () => {
      const wanted = wantedFunctions(await definitionOf(environment)).map(({ manifest }) => manifest.name);
      return !wanted.includes('broken') || undefined;
    });
    const component = functionComponentName(environment.outputs.corePrefix, 'broken');
    await until('the end of its component', async () => !(component in (await installed())) || undefined);
    expect(await pidOf('who')).toBe(pid);
    expect(starts()).toBe(1);
  });

  it('lets functions call back', async () => {
    const source = `exports.handler = async (event, { edge }) => edge.invoke('who', {});`;
    await environment.registerFunction('caller', source, { invokes: ['who'] });
    await device.deploy('caller');
    expect(await device.invoke('caller', {})).toEqual({ pid: await pidOf('who') });
  });

  it('brings a new version, and answers every call meanwhile', async () => {
    await environment.registerFunction('who', `${WHO} // again`);
    const before = await pidOf('who');
    const steady = keepCalling(device, 'who', {});
    await steady.proceeds();
    expect(await device.deploy('who', { version: '1.0.1' })).toMatchObject({ version: '1.0.1' });
    await steady.proceeds();
    await steady.stop();
    expect(await pidOf('who')).not.toBe(before);
    expect(starts()).toBe(1);
  });

  it('is not deployed again as it is, and starts anew with other settings', async () => {
    const definition = await definitionOf(environment);
    const { cloud, outputs, groups } = environment;
    const core = groups[GROUP]?.core;
    if (core === undefined) throw new Error('no core');
    const stateDir = edge.configFile.slice(0, edge.configFile.lastIndexOf('/'));
    const place = { cloud, outputs, group: GROUP, core, stateDir };
    const { port } = edge;
    await new GreengrassCore(environment.operator, place, {}).deploy(definition);
    expect(starts()).toBe(1);
    const listening = edge.process.waitFor('listening', { fresh: true });
    await new GreengrassCore(environment.operator, place, { port }).deploy(definition);
    expect(await listening).toMatchObject({ port });
    expect(starts()).toBe(2);
    await until('the functions', () => pidOf('who').catch(() => undefined));
  });

  it('starts again without the cloud having to deploy it again, and leaves no process behind', async () => {
    const tree = await processTree(edge.process.pid);
    expect(tree.length).toBeGreaterThan(2);
    const { port } = edge;
    await edge.stop();
    expect(await survivors(tree)).toEqual([]);
    edge = await environment.startEdge(GROUP, { port });
    await until('the functions', () => pidOf('who').catch(() => undefined));
    const again = await processTree(edge.process.pid);
    await edge.kill();
    expect(await survivors(again)).toEqual([]);
  });
});
