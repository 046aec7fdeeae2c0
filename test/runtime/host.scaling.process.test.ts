import { createFunctionHost } from '../../runtime/host';
import type { FunctionHost, FunctionSpec } from '../../runtime/types';
import type { EdgeError } from '../../protocol';
import { buildProcessScript, Gate, isAlive, ManualClock, silent, specOf, until } from './support';

let processScript: string;
let gate: Gate;
const hosts: FunctionHost[] = [];

beforeAll(() => {
  processScript = buildProcessScript();
});
beforeEach(async () => {
  gate = new Gate();
  await gate.listen();
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
  await gate.close();
});

type Options = Partial<Parameters<typeof createFunctionHost>[0]>;

function createHost(options: Options = {}): FunctionHost {
  const host = createFunctionHost({ processScript, poolSize: 0, log: silent, ...options });
  hosts.push(host);
  return host;
}

async function gated(host: FunctionHost, changes: Partial<FunctionSpec>) {
  await host.start('fn', specOf({ 'index.js': Gate.handler }, changes));
  const call = (n: number, timeoutMs?: number) =>
    host.invoke('fn', {
      requestId: `r${n}`,
      event: { port: gate.port, n },
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  return call;
}

const PID = 'exports.handler = async (event) => { if (event.exit) process.exit(1); return process.pid }';

async function pidOf(host: FunctionHost, key = 'fn'): Promise<number> {
  return (await host.invoke(key, { requestId: 'pid', event: {} })).output as number;
}

describe('calls at the same time', () => {
  it('run one after the other in one instance', async () => {
    const source = `let running = 0, most = 0;
      exports.handler = async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return most;
      };`;
    const host = createHost();
    await host.start('fn', specOf({ 'index.js': source }, { maxQueue: 100 }));
    const calls = Array.from({ length: 50 }, (_none, n) =>
      host.invoke('fn', { requestId: `r${n}`, event: {} }),
    );
    expect((await Promise.all(calls)).map(({ output }) => output)).toEqual(Array(50).fill(1));
  });

  it('get more instances up to the limit, then wait, then are refused', async () => {
    const call = await gated(createHost(), { maxInstances: 2, maxQueue: 2 });
    const accepted = [1, 2, 3, 4].map((n) => call(n));
    await gate.arrived(2);
    await expect(call(5)).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      details: { maxQueue: 2 },
      retryable: true,
    });
    expect(gate.waiting).toBe(2);
    gate.open();
    await gate.arrived(4);
    gate.open();
    expect((await Promise.all(accepted)).map(({ output }) => (output as { n: number }).n)).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it('may use every instance although nothing may wait', async () => {
    const host = createHost();
    const call = await gated(host, { maxInstances: 3, maxQueue: 0 });
    const accepted = [1, 2, 3].map((n) => call(n));
    await gate.arrived(3);
    await expect(call(4)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    gate.open();
    await Promise.all(accepted);
  });

  it('do not run when their caller gave up while they waited', async () => {
    const call = await gated(createHost(), { maxInstances: 1 });
    const first = call(1);
    await gate.arrived(1);
    await expect(call(2, 20)).rejects.toMatchObject({ code: 'TIMED_OUT' });
    const third = call(3);
    gate.open();
    await first;
    await gate.arrived(2);
    gate.open();
    expect((await third).output).toMatchObject({ n: 3 });
  });

  it('survive the crash of the instance that others run in', async () => {
    const source = `${Gate.handler}
      const wait = exports.handler;
      exports.handler = async (event) => { if (event.n === 2) process.exit(1); return wait(event) };`;
    const host = createHost();
    await host.start('fn', specOf({ 'index.js': source }, { maxInstances: 2 }));
    const call = (n: number) => host.invoke('fn', { requestId: `r${n}`, event: { port: gate.port, n } });
    const [first, second] = [call(1), call(2)];
    await expect(second).rejects.toMatchObject({ code: 'FUNCTION_EXITED', details: { exitCode: 1 } });
    await gate.arrived(1);
    gate.open();
    expect((await first).output).toMatchObject({ n: 1 });
  });

  it('of one function do not wait for those of another', async () => {
    const host = createHost();
    const call = await gated(host, { maxInstances: 1 });
    const first = call(1);
    await gate.arrived(1);
    await host.start('other', specOf({ 'index.js': PID }));
    expect(await pidOf(host, 'other')).toBeGreaterThan(0);
    gate.open();
    await first;
  });
});

describe('idle instances', () => {
  it('retire after idleMs, and the next call starts one', async () => {
    const clock = new ManualClock();
    const host = createHost({ clock });
    await host.start('fn', specOf({ 'index.js': PID }, { idleMs: 1000 }));
    const pid = await pidOf(host);
    clock.advance(999);
    expect(await pidOf(host)).toBe(pid);
    clock.advance(999);
    expect(await pidOf(host)).toBe(pid);
    clock.advance(1000);
    await until(() => !isAlive(pid));
    expect(host.has('fn')).toBe(true);
    expect(await pidOf(host)).not.toBe(pid);
  });

  it('stay when pinned, but only one', async () => {
    const clock = new ManualClock();
    const host = createHost({ clock });
    const call = await gated(host, { idleMs: 1000, pinned: true, maxInstances: 2 });
    const calls = [call(1), call(2)];
    await gate.arrived(1);
    clock.advance(10);
    await gate.arrived(2);
    gate.open();
    await Promise.all(calls);
    clock.advance(5000);
    const third = call(3);
    await gate.arrived(3);
    gate.open();
    expect((await third).output).toMatchObject({ n: 3 });
  });
});

describe('a pinned function that crashes again and again', () => {
  it('is started again at once, then after longer and longer waits', async () => {
    const clock = new ManualClock();
    const crashes: object[] = [];
    const log = silent.child({});
    log.warn = (fields: object) => void crashes.push(fields);
    const host = createHost({ clock, log });
    const source =
      'exports.handler = async () => 1; setImmediate(() => setTimeout(() => process.exit(9), 20))';
    await host.start('fn', specOf({ 'index.js': source }, { pinned: true }));
    const waits: number[] = [];
    for (let crash = 1; crash <= 5; crash += 1) {
      await until(() => crashes.length === crash);
      await until(() => clock.pending.some((ms) => [0, 100, 200, 400, 800].includes(ms)));
      const wait = clock.pending.find((ms) => [0, 100, 200, 400, 800].includes(ms)) ?? -1;
      waits.push(wait);
      clock.advance(wait);
    }
    expect(waits).toEqual([0, 100, 200, 400, 800]);
  });

  it('serves a call in between', async () => {
    const clock = new ManualClock();
    const host = createHost({ clock });
    await host.start('fn', specOf({ 'index.js': PID }, { pinned: true }));
    for (let crash = 0; crash < 3; crash += 1) {
      const exit = host.invoke('fn', { requestId: 'x', event: { exit: true } });
      await expect(exit).rejects.toMatchObject({ code: 'FUNCTION_EXITED' });
    }
    expect(await pidOf(host)).toBeGreaterThan(0);
  });

  it('comes back by itself, without a call', async () => {
    const source = 'console.log(process.pid); exports.handler = async () => process.exit(1)';
    const pids: number[] = [];
    const host = createHost({ onLog: ({ text }) => void pids.push(Number(text)) });
    await host.start('fn', specOf({ 'index.js': source }, { pinned: true }));
    await host.invoke('fn', { requestId: 'x', event: {} }).catch(() => undefined);
    await until(() => pids.length === 2);
  });
});

describe('a module that loaded once and then no more', () => {
  it('fails its calls with the reason, and is not tried again at every call', async () => {
    const clock = new ManualClock();
    const loads: string[] = [];
    const host = createHost({ clock, onLog: ({ text }) => void loads.push(text) });
    const source = `console.log('load'); const fs = require('node:fs');
      if (fs.existsSync('once')) throw new Error('second time'); fs.writeFileSync('once', '');
      exports.handler = async () => process.exit(1);`;
    await host.start('fn', specOf({ 'index.js': source }));
    const call = () =>
      host.invoke('fn', { requestId: 'x', event: {} }).catch((error: unknown) => (error as EdgeError).code);
    expect(await call()).toBe('FUNCTION_EXITED');
    expect(await call()).toBe('FUNCTION_INIT_FAILED');
    expect(await call()).toBe('FUNCTION_INIT_FAILED');
    const tried = loads.length;
    expect(await Promise.all([call(), call(), call()])).toEqual(Array(3).fill('FUNCTION_INIT_FAILED'));
    expect(loads).toHaveLength(tried);
    clock.advance(100);
    expect(await call()).toBe('FUNCTION_INIT_FAILED');
    await until(() => loads.length === tried + 1);
  });
});

describe('stop and close', () => {
  it('stop refuses new calls, finishes those that were accepted, and ends the process', async () => {
    const host = createHost();
    const call = await gated(host, { maxInstances: 1 });
    const [running, waiting] = [call(1), call(2)];
    await gate.arrived(1);
    let isStopped = false;
    const stopped = host.stop('fn').then(() => (isStopped = true));
    expect(host.has('fn')).toBe(false);
    await expect(call(3)).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
    gate.open();
    expect((await running).output).toMatchObject({ n: 1 });
    await gate.arrived(2);
    expect(isStopped).toBe(false);
    gate.open();
    expect((await waiting).output).toMatchObject({ n: 2 });
    await stopped;
  });

  it('a key can be started again while its old instances finish', async () => {
    const host = createHost();
    const call = await gated(host, {});
    const old = call(1);
    await gate.arrived(1);
    const stopped = host.stop('fn');
    await host.start('fn', specOf({ 'index.js': PID }));
    expect(await pidOf(host)).toBeGreaterThan(0);
    gate.open();
    expect((await old).output).toMatchObject({ n: 1 });
    await stopped;
    expect(host.has('fn')).toBe(true);
  });

  it('starting twice starts once', async () => {
    const loads: string[] = [];
    const host = createHost({ onLog: ({ text }) => void loads.push(text) });
    const spec = specOf({ 'index.js': 'console.log("load"); exports.handler = async () => 1' });
    await Promise.all([host.start('fn', spec), host.start('fn', spec)]);
    await host.start('fn', spec);
    await host.invoke('fn', { requestId: 'r', event: {} });
    expect(loads).toEqual(['load']);
  });

  it('close ends every process at once and fails what is in flight', async () => {
    const host = createHost({ poolSize: 1 });
    const call = await gated(host, { maxInstances: 1 });
    await host.start('pid', specOf({ 'index.js': PID }));
    const pid = await pidOf(host, 'pid');
    const calls = [call(1), call(2)].map((promise) =>
      promise.catch((error: unknown) => (error as EdgeError).code),
    );
    await gate.arrived(1);
    await host.close();
    expect(await Promise.all(calls)).toEqual(['CLOSED', 'CLOSED']);
    expect(isAlive(pid)).toBe(false);
    await expect(call(3)).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(host.start('late', specOf({ 'index.js': PID }))).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('the pool', () => {
  it('is refilled one process at a time after it was used', async () => {
    const clock = new ManualClock();
    const host = createHost({ clock, poolSize: 1 });
    await host.start('a', specOf({ 'index.js': PID }));
    expect(clock.pending).toContain(100);
    clock.advance(100);
    await host.start('b', specOf({ 'index.js': PID }));
    expect(await pidOf(host, 'a')).not.toBe(await pidOf(host, 'b'));
  });

  it('that cannot start its script says so and fails the start, no more', async () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const log = silent.child({});
    log.error = (fields: object) => void errors.push(fields);
    const host = createHost({ clock, poolSize: 1, log, processScript: '/nowhere/script.cjs' });
    await until(() => errors.length === 1);
    expect(JSON.stringify(errors[0])).toContain('/nowhere/script.cjs');
    const start = host.start('fn', specOf({ 'index.js': PID }));
    await expect(start).rejects.toMatchObject({ code: 'FUNCTION_EXITED', details: { exitCode: 1 } });
  });
});
