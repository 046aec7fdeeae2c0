import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ConnectOptions } from '../../device/types';
import { DeviceProcess } from '../../local';
import { Command } from '../support/command';
import { packageTemplate, root } from '../support/packaged';
import { survivors } from '../support/processTree';
import { until } from '../support/until';

/** The two commands that a newcomer types, as processes, with their signals and exit codes. */
const DEMO = path.join('dist', 'demo', 'main.cjs');
const SERVERLESS = path.join(root, 'node_modules', '.bin', 'serverless');
const SAMPLES = [20, 20.1, 19.9, 20, 20.2, 35, 20, 19.8, 20.1];
/** A demo takes fifteen seconds on a machine that does nothing else. */
const LIMIT_MS = 180_000;

const commands: Command[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(commands.splice(0).map((command) => command.destroy()));
});

afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

function run(script: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Command {
  const command = new Command(script, args, cwd, env);
  commands.push(command);
  return command;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'edge-commands-'));
  folders.push(folder);
  return folder;
}

describe('node dist/demo/main.cjs', () => {
  it(
    'prints the timeline and the summary, and ends with 0',
    async () => {
      const temporary = await temporaryFolder();
      const demo = run(path.join(root, DEMO), [], root, { TMPDIR: temporary });
      await demo.printed(/The device: sensor-1/);
      const tree = await demo.tree();
      expect(tree.length).toBeGreaterThan(3);
      await expect(demo.exit()).resolves.toEqual({ code: 0, signal: null });
      expect(demo.output).toMatch(/stage I +sensor-1 → edge-demo-dev-workshop-core +request detectAnomaly/);
      expect(demo.output).toMatch(
        /stage II +edge-demo-dev-workshop-core → sensor-1 +ready detectAnomaly@1\.2\.0/,
      );
      expect(demo.output).toMatch(
        /refusal +edge-demo-dev-workshop-core → sensor-1 +failed calibrateSensor +NOT_ENTITLED/,
      );
      expect(demo.output).toMatch(/a function that this device may not use +│ NOT_ENTITLED +│ NOT_ENTITLED/);
      expect(demo.output).toContain('Every outcome was the right one.');
      expect(demo.output).not.toContain('✘');
      expect(await survivors(tree)).toEqual([]);
      expect(await readdir(temporary)).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'ends with 1 when an outcome was wrong',
    async () => {
      const folder = await temporaryFolder();
      const yaml = await readFile(path.join(root, 'serverless.yml'), 'utf8');
      // Now the device may use what it is to be refused.
      const open = yaml.replace('devices: [technician-*]', 'devices: [technician-*, sensor-*]');
      expect(open).not.toBe(yaml);
      await Promise.all([
        writeFile(path.join(folder, 'serverless.yml'), open),
        symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules')),
        ...['package.json', 'dist', 'examples'].map((name) =>
          cp(path.join(root, name), path.join(folder, name), { recursive: true }),
        ),
      ]);
      const demo = run(path.join(folder, DEMO), [], folder);
      await expect(demo.exit()).resolves.toEqual({ code: 1, signal: null });
      expect(demo.output).toContain('Some outcomes were wrong.');
      expect(demo.output).toMatch(/✘ ok, expected NOT_ENTITLED/);
    },
    LIMIT_MS,
  );

  it(
    'Ctrl-C leaves nothing behind',
    async () => {
      const temporary = await temporaryFolder();
      const demo = run(path.join(root, DEMO), [], root, { TMPDIR: temporary });
      await demo.printed(/The device: sensor-1/);
      await demo.printed(/✔/);
      const tree = await demo.tree();
      demo.interrupt();
      const { code } = await demo.exit();
      expect(code).not.toBe(0);
      expect(await survivors(tree)).toEqual([]);
      expect(await readdir(temporary)).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('node dist/demo/main.cjs, interrupted while it starts', () => {
  it.each([
    ['packages', 'package/edge'],
    ['deploys', 'cloud/iot/retained'],
    ['sets up the groups', 'things'],
  ])(
    'leaves nothing behind where it %s',
    async (_what, begun) => {
      const temporary = await temporaryFolder();
      const demo = run(path.join(root, DEMO), [], root, { TMPDIR: temporary });
      const tree = await until(
        `${begun} of the demo`,
        async () => {
          const names = await readdir(temporary);
          const isThere = names.some((name) => existsSync(path.join(temporary, name, begun)));
          return isThere ? await demo.tree() : undefined;
        },
        LIMIT_MS,
      );
      demo.interrupt();
      const { code } = await demo.exit();
      expect(code).not.toBe(0);
      expect(demo.output).toContain('ended by SIGINT');
      expect(await survivors(tree)).toEqual([]);
      expect(await readdir(temporary)).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('serverless edge dev', () => {
  let serviceDir: string;

  beforeAll(async () => {
    ({ serviceDir } = await packageTemplate());
    folders.push(serviceDir);
  }, LIMIT_MS);

  function dev(): Command {
    return run(SERVERLESS, ['edge', 'dev'], serviceDir);
  }

  /** A device with what the command printed for it, and nothing else. */
  async function connect(command: Command): Promise<DeviceProcess> {
    await command.printed(/Ctrl-C stops everything/);
    const [, file = ''] = await command.printed(/sensor-1: (\S+\.json)/);
    const device = new DeviceProcess(root);
    const config = await readFile(path.resolve(serviceDir, file), 'utf8');
    await device.connect(JSON.parse(config) as ConnectOptions);
    return device;
  }

  /** Every certificate and key below `.edge/`, and where devices find the edge, with its content. */
  async function credentials(): Promise<Record<string, string>> {
    const folder = path.join(serviceDir, '.edge', 'things');
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const all = files
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const file = path.join(parentPath, name);
        return [file, await readFile(file, 'utf8')] as const;
      });
    return Object.fromEntries(await Promise.all(all));
  }

  let kept: Record<string, string>;

  it(
    'says where devices connect and shows what they do; Ctrl-C ends it with 0',
    async () => {
      const command = dev();
      const device = await connect(command);
      try {
        await expect(device.deploy('detectAnomaly', { version: '^1' })).resolves.toMatchObject({
          version: '1.2.0',
        });
        const verdict = await device.invoke('detectAnomaly', { samples: SAMPLES });
        expect(verdict).toMatchObject({ anomalies: [{ index: 5, value: 35 }] });
        await command.printed(/stage II +edge → sensor-1 +ready detectAnomaly@1\.2\.0/);
        await command.printed(/group workshop: edge-demo-dev-workshop-core on 127\.0\.0\.1:\d+/);
        kept = await credentials();
        expect(Object.keys(kept).length).toBeGreaterThan(5);
        const second = dev();
        await expect(second.exit()).resolves.toEqual({ code: 1, signal: null });
        expect(second.output).toContain(`"sls edge dev" runs here already (process ${command.pid})`);
        const tree = await command.tree();
        expect(tree.length).toBeGreaterThan(3);
        command.interrupt();
        await expect(command.exit()).resolves.toEqual({ code: 0, signal: null });
        expect(await survivors(tree)).toEqual([]);
      } finally {
        await device.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'a second start has the same certificates, addresses and functions; SIGTERM ends it with 0',
    async () => {
      const command = dev();
      const device = await connect(command);
      try {
        expect(await credentials()).toEqual(kept);
        const verdict = await device.invoke('detectAnomaly', { samples: SAMPLES });
        expect(verdict).toMatchObject({ anomalies: [{ index: 5, value: 35 }] });
        const model = await device.invoke('trainModel', { samples: [1, 2] }, { location: 'cloud' });
        expect(model).toMatchObject({ samples: 2 });
        const tree = await command.tree();
        command.terminate();
        await expect(command.exit()).resolves.toEqual({ code: 0, signal: null });
        expect(await survivors(tree)).toEqual([]);
      } finally {
        await device.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'brings saved code to the edge, shows why it cannot, and what functions print and throw',
    async () => {
      const command = dev();
      const device = await connect(command);
      const file = path.join(serviceDir, 'examples', 'sensors', 'detectAnomaly.ts');
      const source = await readFile(file, 'utf8');
      const call = () => device.invoke('detectAnomaly', { samples: SAMPLES });
      try {
        await call();
        await writeFile(file, `${source}\nthis is no TypeScript;`);
        await command.printed(/detectAnomaly\.ts: Build failed[\s\S]*The old code goes on/);
        await expect(call()).resolves.toMatchObject({ anomalies: [{ index: 5 }] });

        const start = 'const samples = samplesOf(event);';
        await writeFile(
          file,
          source.replace(start, `console.log('seen', 42);\n  throw new RangeError('of the new');`),
        );
        await command.printed(/detectAnomaly\.ts: detectAnomaly@1\.2\.1 on workshop in \d+ ms/);
        await expect(call()).rejects.toMatchObject({ code: 'FUNCTION_ERROR', message: 'of the new' });
        await command.printed(/detectAnomaly \| seen 42/);
        await command.printed(/detectAnomaly \| RangeError: of the new\n.*detectAnomaly \| +at /);

        await writeFile(file, source);
        await command.printed(/detectAnomaly\.ts: detectAnomaly@1\.2\.0 on workshop/);
        await expect(call()).resolves.toMatchObject({ anomalies: [{ index: 5 }] });

        // As a crash would: what it started does not outlive it.
        const tree = await command.tree();
        process.kill(command.pid, 'SIGKILL');
        await command.exit();
        expect(await survivors(tree, 30_000)).toEqual([]);
      } finally {
        await device.close();
      }
    },
    LIMIT_MS,
  );

  /** False when it was ready already; then it stopped as it should, too. `begun`: of the number of processes. */
  async function terminatedWhileStarting(begun: (size: number) => boolean): Promise<boolean> {
    const command = dev();
    const start = async () => {
      const now = await command.tree();
      return begun(now.length) ? now : undefined;
    };
    const tree = await until('the start', start, LIMIT_MS);
    command.terminate();
    const { code } = await command.exit();
    const isReady = command.output.includes('Ready. Devices connect');
    if (isReady) expect(code).toBe(0);
    else expect(code).not.toBe(0);
    expect(await survivors(tree)).toEqual([]);
    return !isReady;
  }

  it(
    'SIGTERM during the start leaves nothing behind, and the next start works',
    async () => {
      // While the framework packages, and when the cloud and edge cores are there, too.
      for (const begun of [(size: number) => size > 1, (size: number) => size > 4]) {
        // Where the start was over before the signal came, once more.
        while (!(await terminatedWhileStarting(begun)));
      }
      const command = dev();
      const device = await connect(command);
      await device.close();
      command.interrupt();
      await expect(command.exit()).resolves.toEqual({ code: 0, signal: null });
    },
    LIMIT_MS,
  );
});
