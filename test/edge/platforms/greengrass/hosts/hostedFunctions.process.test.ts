import { connect } from 'node:net';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { encodeFrame } from '../../../../../runtime/frames';
import { EdgeError } from '../../../../../protocol';
import { openComponentHosts } from '../../../../../edge/platforms/greengrass/hosts/componentHosts';
import { Gate as LoadGate } from '../../../../support/gate';
import { Gate, isAlive, ManualClock, silent, until } from '../../../../runtime/support';
import { deliver, Rig } from './support';

let script: string;
let rig: Rig;
let gate: Gate;
let loadGate: LoadGate;

beforeAll(() => {
  script = Rig.buildScript();
});
beforeEach(async () => {
  gate = new Gate();
  await gate.listen();
  loadGate = await LoadGate.make();
  rig = new Rig(script);
  await rig.open();
});
afterEach(async () => {
  await gate.close();
  await rig.close();
  await loadGate.remove();
});

const pidSource = `exports.handler = async () => process.pid`;

describe('a function that Greengrass brings', () => {
  test('is fetched until its host connects, then starts and runs', async () => {
    const detect = deliver(
      'detect',
      '1.0.0',
      `exports.handler = async (e, c) => [e, c.functionVersion, c.clientContext.custom.device]`,
    );
    const reconciled = rig.functions.reconcile([detect]);
    expect(rig.states()).toEqual(['detect@1.0.0 fetching']);
    rig.host(detect);
    await reconciled;
    expect(rig.changes).toEqual(['detect@1.0.0 fetching', 'detect@1.0.0 starting', 'detect@1.0.0 running']);
    expect(await rig.call(detect.key, { a: 1 })).toEqual([{ a: 1 }, '1.0.0', 'sensor']);
  });

  test('runs at once where its host was first', async () => {
    const detect = deliver('detect', '1.0.0');
    const host = rig.host(detect);
    await until(() => host.stderr.includes('connected to the core'));
    await rig.functions.reconcile([detect]);
    expect(await rig.call(detect.key)).toBe('1.0.0');
  });

  test('is not told apart from others: each host serves its own function', async () => {
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) =>
      deliver(name, '1.0.0', `exports.handler = async () => '${name}'`),
    );
    const [missing, ...present] = all;
    const reconciled = rig.functions.reconcile(all);
    for (const each of present) rig.host(each);
    for (const { key } of present) await rig.running(key);
    expect(await Promise.all(present.map(({ key }) => rig.call(key)))).toEqual([
      'b',
      'c',
      'd',
      'e',
      'f',
      'g',
      'h',
    ]);
    expect(rig.functions.get(missing!.key)?.state).toBe('fetching');
    rig.host(missing!);
    await reconciled;
    expect(await rig.call(missing!.key)).toBe('a');
  });

  test('does not see the environment of its host, and writes to its log and to the core', async () => {
    process.env['SVCUID'] = 'secret';
    try {
      const detect = deliver(
        'detect',
        '1.0.0',
        `
        exports.handler = async () => { console.log('called'); return [process.env.SVCUID ?? null, process.cwd()] }`,
      );
      const host = rig.host(detect);
      await rig.functions.reconcile([detect]);
      expect(await rig.call(detect.key)).toEqual([null, detect.directory]);
      await until(() => rig.lines.length > 0);
      expect(rig.lines).toEqual([{ key: detect.key, requestId: 'r', stream: 'stdout', text: 'called' }]);
      expect(host.stdout).toBe('called\n');
    } finally {
      delete process.env['SVCUID'];
    }
  });
});

describe('versions', () => {
  test('a new one takes over when it runs; the old one finishes its calls', async () => {
    const one = deliver('detect', '1.0.0', Gate.handler);
    const two = deliver('detect', '2.0.0');
    rig.host(one);
    await rig.functions.reconcile([one]);
    const inFlight = rig.call(one.key, { port: gate.port });
    await gate.arrived(1);
    const reconciled = rig.functions.reconcile([two]);
    expect(rig.states()).toEqual(['detect@1.0.0 running', 'detect@2.0.0 fetching']);
    rig.host(two);
    await reconciled;
    expect(rig.states()).toEqual(['detect@2.0.0 running']);
    gate.open();
    expect(await inFlight).toEqual({ port: gate.port });
  });

  test('the old one serves while the new one loads, also when its host is told to stop', async () => {
    const one = deliver('detect', '1.0.0');
    const two = deliver('detect', '2.0.0', `${loadGate.wait}\nexports.handler = async () => '2.0.0'`);
    const old = rig.host(one);
    await rig.functions.reconcile([one]);
    const reconciled = rig.functions.reconcile([two]);
    rig.host(two);
    await loadGate.arrivals(1);
    const ended = old.end('SIGTERM');
    await until(() => old.stderr.includes('told to stop'));
    expect(rig.states()).toEqual(['detect@1.0.0 running', 'detect@2.0.0 starting']);
    expect(await rig.call(one.key)).toBe('1.0.0');
    await loadGate.open();
    await reconciled;
    expect(rig.states()).toEqual(['detect@2.0.0 running']);
    expect(await rig.call(two.key)).toBe('2.0.0');
    expect(await ended).toBe(0);
  });

  test('a host that is told to stop while a new version loads starts what it is asked for', async () => {
    const one = deliver(
      'detect',
      '1.0.0',
      `exports.handler = (e) => { if (e.end) process.exit(1); return '1.0.0' }`,
    );
    const two = deliver('detect', '2.0.0', `${loadGate.wait}\nexports.handler = async () => '2.0.0'`);
    const old = rig.host(one);
    await rig.functions.reconcile([one]);
    const reconciled = rig.functions.reconcile([two]);
    rig.host(two);
    await loadGate.arrivals(1);
    const ended = old.end('SIGTERM');
    await until(() => old.stderr.includes('told to stop'));
    await expect(rig.call(one.key, { end: true })).rejects.toMatchObject({ code: 'FUNCTION_EXITED' });
    expect(await rig.call(one.key)).toBe('1.0.0');
    await loadGate.open();
    await reconciled;
    await ended;
  });

  test('the old one is gone when its host is, whether or not the new one has loaded', async () => {
    const one = deliver('detect', '1.0.0');
    const two = deliver('detect', '2.0.0', `${loadGate.wait}\nexports.handler = async () => '2.0.0'`);
    const old = rig.host(one);
    await rig.functions.reconcile([one]);
    const reconciled = rig.functions.reconcile([two]);
    rig.host(two);
    await loadGate.arrivals(1);
    void old.end('SIGTERM');
    await until(() => old.stderr.includes('told to stop'));
    await old.end('SIGKILL');
    await until(() => rig.functions.get(one.key) === undefined);
    expect(rig.states()).toEqual(['detect@2.0.0 starting']);
    await loadGate.open();
    await reconciled;
    expect(await rig.call(two.key)).toBe('2.0.0');
  });

  test('one that cannot start never replaces a running one', async () => {
    const one = deliver('detect', '1.0.0');
    const two = deliver('detect', '2.0.0', `throw new Error('no sensor')`);
    rig.host(one);
    const broken = rig.host(two);
    await rig.functions.reconcile([one]);
    await rig.functions.reconcile([two]);
    expect(rig.functions.get(two.key)).toMatchObject({
      state: 'failed',
      error: { code: 'FUNCTION_INIT_FAILED', message: 'no sensor' },
    });
    expect(await rig.call(one.key)).toBe('1.0.0');
    expect(broken.isUp).toBe(true);
  });

  test('a target that no longer names what has not come forgets it', async () => {
    const one = deliver('detect', '1.0.0');
    const two = deliver('detect', '2.0.0');
    rig.host(one);
    await rig.functions.reconcile([one]);
    const superseded = rig.functions.reconcile([two]);
    await rig.functions.reconcile([one]);
    await superseded;
    expect(rig.states()).toEqual(['detect@1.0.0 running']);
  });
});

describe('what is not brought', () => {
  const why = new EdgeError('DEPLOYMENT_FAILED', 'no space left on device');

  test('has failed with the reason, disturbs nothing that runs, and runs when it comes', async () => {
    const here = deliver('here', '1.0.0');
    const late = deliver('late', '1.0.0');
    rig.host(here);
    const reconciled = rig.functions.reconcile([here, late]);
    await rig.running(here.key);
    rig.functions.undelivered(why);
    await reconciled;
    expect(rig.functions.get(late.key)).toMatchObject({
      state: 'failed',
      undelivered: true,
      error: { code: 'DEPLOYMENT_FAILED', message: 'no space left on device' },
    });
    expect(await rig.call(here.key)).toBe('1.0.0');
    rig.host(late);
    await rig.running(late.key);
    expect(rig.functions.get(late.key)).not.toHaveProperty('error');
    expect(await rig.call(late.key)).toBe('1.0.0');
  });

  test('is waited for again with the next target', async () => {
    const late = deliver('late', '1.0.0');
    const reconciled = rig.functions.reconcile([late]);
    rig.functions.undelivered(why);
    await reconciled;
    void rig.functions.reconcile([late]);
    expect(rig.states()).toEqual(['late@1.0.0 fetching']);
  });

  test('leaves the version in place that it should have replaced', async () => {
    const one = deliver('detect', '1.0.0');
    const two = deliver('detect', '2.0.0');
    rig.host(one);
    await rig.functions.reconcile([one]);
    const reconciled = rig.functions.reconcile([two]);
    rig.functions.undelivered(why);
    await reconciled;
    expect(rig.states()).toEqual(['detect@1.0.0 running', 'detect@2.0.0 failed']);
    expect(await rig.call(one.key)).toBe('1.0.0');
  });
});

describe('limits', () => {
  test('a call over its time ends the process and not its host', async () => {
    const slow = deliver(
      'slow',
      '1.0.0',
      `exports.handler = (e) => { if (e.loop) for (;;); return process.pid }`,
      { timeout: 1 },
    );
    const host = rig.host(slow);
    await rig.functions.reconcile([slow]);
    const before = await rig.call(slow.key);
    await expect(rig.call(slow.key, { loop: true })).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' });
    const after = await rig.call(slow.key);
    expect(after).not.toBe(before);
    expect(isAlive(before as number)).toBe(false);
    expect(host.isUp).toBe(true);
  });

  test('memory outside of the heap counts', async () => {
    const greedy = deliver(
      'greedy',
      '1.0.0',
      `
      const kept = [];
      exports.handler = (e) => { if (e.grow) for (;;) kept.push(Buffer.alloc(8e6, 1)); return 'small' }`,
      { memory: 128 },
    );
    rig.host(greedy);
    await rig.functions.reconcile([greedy]);
    await expect(rig.call(greedy.key, { grow: true })).rejects.toMatchObject({
      code: 'FUNCTION_OUT_OF_MEMORY',
    });
    expect(await rig.call(greedy.key)).toBe('small');
  });

  test('a process that ends is told with its exit code', async () => {
    const leaver = deliver(
      'leaver',
      '1.0.0',
      `exports.handler = (e) => { if (e.leave) process.exit(7); return 'here' }`,
    );
    rig.host(leaver);
    await rig.functions.reconcile([leaver]);
    await expect(rig.call(leaver.key, { leave: true })).rejects.toMatchObject({
      code: 'FUNCTION_EXITED',
      details: { exitCode: 7 },
    });
    expect(await rig.call(leaver.key)).toBe('here');
  });

  test('as many instances as the function may have, one call each', async () => {
    const detect = deliver('detect', '1.0.0', Gate.handler, { instances: 2 });
    rig.host(detect);
    await rig.functions.reconcile([detect]);
    const calls = [1, 2, 3].map(() => rig.call(detect.key, { port: gate.port }));
    await gate.arrived(2);
    expect(gate.waiting).toBe(2);
    gate.open();
    await gate.arrived(3);
    gate.open();
    await Promise.all(calls);
  });
});

describe('hosts come and go', () => {
  test('a core that starts again finds the functions again', async () => {
    const detect = deliver('detect', '1.0.0', pidSource);
    const host = rig.host(detect);
    await rig.functions.reconcile([detect]);
    const before = (await rig.call(detect.key)) as number;
    await rig.functions.close();
    expect(isAlive(before)).toBe(false);
    await rig.open();
    await rig.functions.reconcile([detect]);
    expect(await rig.call(detect.key)).not.toBe(before);
    expect(host.isUp).toBe(true);
  });

  test('a host that is killed takes its processes along, and a call after its return runs', async () => {
    const detect = deliver(
      'detect',
      '1.0.0',
      `exports.handler = (e) => { if (e.loop) for (;;); return process.pid }`,
      { timeout: 60 },
    );
    const host = rig.host(detect);
    await rig.functions.reconcile([detect]);
    const pid = (await rig.call(detect.key)) as number;
    const looping = rig.call(detect.key, { loop: true });
    await host.end('SIGKILL');
    await expect(looping).rejects.toMatchObject({ code: 'FUNCTION_EXITED' });
    await until(() => !isAlive(pid));
    const early = rig.call(detect.key);
    rig.host(detect);
    expect(await early).not.toBe(pid);
    expect(rig.functions.get(detect.key)?.state).toBe('running');
  });

  test('a host that is told to stop waits for the call in flight', async () => {
    const detect = deliver('detect', '1.0.0', Gate.handler);
    const host = rig.host(detect);
    await rig.functions.reconcile([detect]);
    const inFlight = rig.call(detect.key, { port: gate.port });
    await gate.arrived(1);
    const ended = host.end('SIGTERM');
    await until(() => rig.functions.get(detect.key)?.state === 'fetching');
    expect(host.isUp).toBe(true);
    gate.open();
    expect(await inFlight).toEqual({ port: gate.port });
    expect(await ended).toBe(0);
    await expect(rig.call(detect.key)).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
    rig.host(detect);
    await rig.running(detect.key);
  });

  test('a host without a core ends when it is told to', async () => {
    await rig.functions.close();
    const host = rig.host(deliver('detect', '1.0.0'));
    await until(() => host.stderr.includes('core:'));
    expect(await host.end('SIGTERM')).toBe(0);
    await rig.open();
  });
});

describe('time', () => {
  let clock: ManualClock;
  beforeEach(async () => {
    await rig.close();
    clock = new ManualClock();
    rig = new Rig(script, clock);
    await rig.open();
  });

  test('a reconcile waits 50 s for what does not come, and what comes later runs all the same', async () => {
    const here = deliver('here', '1.0.0');
    const late = deliver('late', '1.0.0');
    rig.host(here);
    let resolved = false;
    const reconciled = rig.functions.reconcile([here, late]).then(() => (resolved = true));
    await rig.running(here.key);
    clock.advance(49_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(resolved).toBe(false);
    clock.advance(1);
    await reconciled;
    expect(rig.states()).toEqual(['here@1.0.0 running', 'late@1.0.0 fetching']);
    rig.host(late);
    await rig.running(late.key);
    expect(await rig.call(late.key)).toBe('1.0.0');
  });

  test('a host that stays away for 10 s is no longer counted upon', async () => {
    const detect = deliver('detect', '1.0.0');
    const host = rig.host(detect);
    await rig.functions.reconcile([detect]);
    await host.end('SIGKILL');
    await until(() => clock.pending.includes(10_000));
    expect(rig.functions.get(detect.key)?.state).toBe('running');
    clock.advance(10_000);
    expect(rig.functions.get(detect.key)?.state).toBe('fetching');
    await expect(rig.call(detect.key)).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
    rig.host(detect);
    await rig.running(detect.key);
  });

  test('a call whose host is away for 5 s is told so', async () => {
    const detect = deliver('detect', '1.0.0');
    const host = rig.host(detect);
    await rig.functions.reconcile([detect]);
    await rig.call(detect.key);
    await host.end('SIGKILL');
    await until(() => clock.pending.includes(10_000));
    const call = rig.call(detect.key);
    await until(() => clock.pending.includes(5_000));
    clock.advance(5_000);
    await expect(call).rejects.toMatchObject({ code: 'DEPLOYMENT_TIMED_OUT' });
  });
});

describe('the socket', () => {
  test('is for the user and the group of the core alone, and replaces what was left there', async () => {
    expect((await stat(rig.socketPath)).mode & 0o777).toBe(0o660);
    await rig.functions.close();
    await writeFile(rig.socketPath, 'left behind');
    await rig.open();
    expect((await stat(rig.socketPath)).isSocket()).toBe(true);
  });

  test('a path that is too long for one is refused by name', async () => {
    const socketPath = `/tmp/${'x'.repeat(120)}/functions.sock`;
    await expect(openComponentHosts({ socketPath, log: silent })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('too long') as string,
    });
  });

  test.each([
    ['no JSON', Buffer.from([0, 0, 0, 2, 0x7b, 0x7b])],
    ['a frame without end', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['an unknown message', encodeFrame('{"type":"result"}')],
    ['an unknown instance', encodeFrame('{"type":"instance","instance":"x"}')],
    ['a later protocol', encodeFrame(JSON.stringify({ type: 'hello', protocol: 2 }))],
    [
      "a process that is nobody's",
      encodeFrame(
        JSON.stringify({
          type: 'hello',
          protocol: 1,
          key: 'a@1.0.0',
          digest: '0'.repeat(64),
          pid: 1,
          directory: '/',
        }),
      ),
    ],
  ])('closes on %s, and goes on serving', async (_what, bytes) => {
    const socket = connect(rig.socketPath);
    socket.resume().write(bytes);
    await once(socket, 'close');
    const detect = deliver('detect', '1.0.0');
    rig.host(detect);
    await rig.functions.reconcile([detect]);
    expect(await rig.call(detect.key)).toBe('1.0.0');
  });
});
