import { type DeviceProcess, type Edge, functionPackage } from '../../../local';
import { claimKey, functionKey, type FunctionManifest } from '../../../protocol';
import { GROUP, type TestEnvironment } from '../../support/environment';
import { Gate } from '../../support/gate';
import { changeGroup, definitionOf } from '../../support/operatorChange';
import { LiveService } from '../../support/liveService';
import { withEngine } from '../../support/packaged';
import { processTree, survivors } from '../../support/processTree';
import { until } from '../../support/until';

const GOOD = 'exports.handler = async ({ n }) => n + 1;';
const BROKEN = 'throw new RangeError("worse than before");';
const REASON = { code: 'FUNCTION_INIT_FAILED', message: 'worse than before' };

/** A Greengrass core whose functions do not load, or that ends in the midst of a deployment. */
describe.each(['hot', 'components'] as const)('a Greengrass core, delivery %s', (delivery) => {
  let service: LiveService;
  let environment: TestEnvironment;
  let edge: Edge;
  let device: DeviceProcess;
  const gates: Gate[] = [];

  beforeAll(async () => {
    service = await LiveService.start(withEngine('greengrassv2', delivery));
    ({ environment } = service);
    edge = await service.startEdge();
    device = await environment.connectDevice('sensor-1');
  });

  afterAll(async () => {
    await service?.close();
    await Promise.all(gates.map((gate) => gate.remove()));
  });

  async function register(name: string, version: string, source: string): Promise<FunctionManifest> {
    const bytes = await functionPackage(
      { 'index.js': source },
      { name, handler: 'index.handler', version, locations: ['edge'] },
    );
    await environment.registerPackages([{ name, bytes }]);
    const index = await environment.operator.functionIndex(environment.outputs.stateBucket, name);
    const manifest = index?.versions[version]?.manifest;
    if (manifest === undefined) throw new Error(`${name}@${version} is not registered`);
    return manifest;
  }

  /** As `sls deploy` puts functions there ahead of any request. */
  async function preload(manifest: FunctionManifest): Promise<void> {
    const { name, version } = manifest;
    await changeGroup(environment, undefined, ({ statics }) => ({
      statics: { [name]: { version, seq: (statics[name]?.seq ?? 0) + 1 } },
      functions: { [functionKey(name, version)]: manifest },
    }));
  }

  const answers = (name: string) =>
    until(`an answer of ${name}`, () => device.invokeReported(name, { n: 1 }).catch(() => undefined));

  describe('a new version that does not load', () => {
    it('for a device: it hears why, and has what it had', async () => {
      await register('onDemand', '1.0.0', GOOD);
      await device.deploy('onDemand');
      await register('onDemand', '2.0.0', BROKEN);
      await expect(device.deploy('onDemand', { version: '2.0.0' })).rejects.toMatchObject(REASON);
      expect(await answers('onDemand')).toMatchObject({ output: 2, report: { version: '1.0.0' } });
    });

    it('for the operator: the one before takes its place', async () => {
      await preload(await register('preloaded', '1.0.0', GOOD));
      expect(await answers('preloaded')).toMatchObject({ report: { version: '1.0.0' } });
      await preload(await register('preloaded', '2.0.0', BROKEN));
      const rollback = await until('the rollback', async () => {
        const { rollbacks } = await definitionOf(environment);
        return rollbacks?.['preloaded@2.0.0'];
      });
      expect(rollback).toMatchObject({ error: REASON, fallback: '1.0.0' });
      expect(await answers('preloaded')).toMatchObject({ output: 2, report: { version: '1.0.0' } });
    });
  });

  describe('killed while a function starts', () => {
    /** The device waits for its function through all of it. */
    async function expectDeployed(name: string, kill: () => Promise<void>): Promise<void> {
      const gate = await Gate.make();
      gates.push(gate);
      await register(name, '1.0.0', `${gate.wait}\n${GOOD}`);
      const deployed = device.deploy(name);
      await gate.arrivals(1);
      await kill();
      await gate.arrivals(2);
      await gate.open();
      await expect(deployed).resolves.toMatchObject({ version: '1.0.0' });
      expect(await answers(name)).toMatchObject({ output: 2 });
      const { claims } = await definitionOf(environment);
      expect(claims[claimKey('sensor-1', name)]).toMatchObject({ version: '1.0.0' });
      await device.release(name);
    }

    it('the core: the nucleus starts it again', async () => {
      await expectDeployed('coreKilled', async () => {
        const tree = await processTree(edge.process.pid);
        const core = tree.filter(({ command }) => /\bnode .*core\.cjs/.test(command)).at(-1);
        if (core === undefined) throw new Error(tree.map(({ command }) => command).join('\n'));
        process.kill(core.pid, 'SIGKILL');
        expect(await survivors([core])).toEqual([]);
      });
    });

    it('the nucleus with all that it runs', async () => {
      await expectDeployed('nucleusKilled', async () => {
        const tree = await processTree(edge.process.pid);
        await edge.kill();
        expect(await survivors(tree)).toEqual([]);
        edge = await environment.startEdge(GROUP, { port: edge.port });
      });
    });
  });

  it('the nucleus is killed before it has the deployment', async () => {
    await register('early', '1.0.0', GOOD);
    const deployed = device.deploy('early');
    await device.reached('early', 'stored');
    await edge.kill();
    edge = await environment.startEdge(GROUP, { port: edge.port });
    await expect(deployed).resolves.toMatchObject({ version: '1.0.0' });
    expect(await answers('early')).toMatchObject({ output: 2 });
  });
});
