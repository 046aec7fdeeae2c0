import path from 'node:path';
import type { DeviceProcess, Edge } from '../../../local';
import { Command } from '../../support/command';
import { GROUP, type TestEnvironment } from '../../support/environment';
import { runsRevision } from '../../support/operatorChange';
import { LiveService } from '../../support/liveService';
import { root } from '../../support/packaged';
import { sls } from '../../support/sls';
import { until } from '../../support/until';

/** `sls edge logs`: from a function's stderr on the edge, over the core's topic and a rule, to a terminal. */
const MINUTE = 60_000;
const FAULTY = `exports.handler = async ({ say, shout }) => {
  if (say) console.log(say);
  if (shout) console.error(shout);
};`;

let service: LiveService;
let environment: TestEnvironment;
let edge: Edge;
let device: DeviceProcess;
let serviceDir: string;

beforeAll(async () => {
  service = await LiveService.start();
  ({ environment, serviceDir } = service);
  await environment.registerFunction('faulty', FAULTY);
  // Traced, as `sls edge dev` runs it.
  edge = await environment.startEdge(GROUP, { onEvent: () => undefined });
  device = await environment.connectDevice('sensor-1');
  await device.deploy('faulty');
}, MINUTE);

afterAll(() => service.close());

interface Line {
  level: number;
  group: string;
  core: string;
  function?: string;
  msg: string;
}

async function lines(...args: string[]): Promise<Line[]> {
  const { stdout, code } = await sls(serviceDir, ['edge', 'logs', '--local', '--json', ...args]);
  if (code !== 0) throw new Error(stdout);
  return (JSON.parse(stdout) as { lines: Line[] }).lines;
}

it(
  'shows what functions wrote to stderr, and not what they only said',
  async () => {
    await device.invoke('faulty', { say: 'just talking', shout: 'out of paper' });
    const found = await until('the line', async () => {
      const all = await lines('-f', 'faulty');
      return all.length > 0 ? all : undefined;
    });
    expect(found).toMatchObject([{ group: GROUP, function: 'faulty@1.0.0', msg: 'out of paper' }]);
    expect(await lines('--core')).toEqual([]);
    const { stdout } = await sls(serviceDir, ['edge', 'logs', '--local', '--group', GROUP]);
    expect(stdout).toMatch(/^\S+Z {2}warn {2}workshop {2}faulty@1\.0\.0 {2}out of paper$/m);
    expect((await sls(serviceDir, ['edge', 'logs', '--local', '--level', 'loud'])).code).toBe(1);
  },
  MINUTE,
);

it(
  'goes on, and follows the level of the definition without a restart',
  async () => {
    const cli = path.join(root, 'node_modules', '.bin', 'serverless');
    const tail = new Command(cli, ['edge', 'logs', '--tail', '--json', '--local'], serviceDir);
    try {
      await tail.printed(/out of paper/);
      const { revision } = await environment.updateGroup({ group: GROUP, logs: { level: 'info' } });
      await runsRevision(edge, revision);
      await device.invoke('faulty', { say: 'now listening' });
      await tail.printed(/"msg":"now listening"/);
      tail.interrupt();
      expect(await tail.exit()).toEqual({ code: 0, signal: null });
    } finally {
      await tail.destroy();
    }
    expect((await lines('--core')).length).toBeGreaterThan(0);
  },
  MINUTE,
);

it(
  'nothing is sent where that is not wanted',
  async () => {
    const { revision } = await environment.updateGroup({ group: GROUP, logs: { level: 'off' } });
    await runsRevision(edge, revision);
    await device.invoke('faulty', { shout: 'into the void' });
    // Its last words and all that it still has go up before it ends.
    await edge.stop();
    expect((await lines('--since', '1d')).map(({ msg }) => msg)).not.toContain('into the void');
  },
  MINUTE,
);
