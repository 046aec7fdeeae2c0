import type { DeviceProcess } from '../../local';
import type { FunctionConfig } from '../../protocol';
import { changeGroup } from '../support/operatorChange';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';

/** Functions that publish to devices and call other functions, with what their configuration allows. */
let environment: TestEnvironment;
let device: DeviceProcess;
let other: DeviceProcess;

const CAUGHT = `.catch((error) => ({ code: error.code, name: error.name }))`;

/** Does what the event says. */
const CALLER = `exports.handler = async ({ publish, invoke, input, options, payload }, context) => {
  const { edge } = context;
  if (edge === undefined) return 'no edge';
  if (publish !== undefined) return edge.publish(publish, payload)${CAUGHT};
  return edge.invoke(invoke, input, options)${CAUGHT};
};`;

/** Calls itself until it may not any more, and counts how deep that was. */
const CIRCLE = `exports.handler = async ({ depth = 0 }, { edge }) =>
  edge.invoke('circle', { depth: depth + 1 }).catch((error) => ({ depth, code: error.code }));`;

const SLOW = `exports.handler = async (event, { edge }) => edge.invoke('endless', {});`;
const ENDLESS = `exports.handler = async ({ quick }) => quick ? 'quick' : new Promise(() => {});`;

beforeAll(async () => {
  environment = await startTestEnvironment();
  const register = (name: string, source: string, config: Partial<FunctionConfig> = {}) =>
    environment.registerFunction(name, source, { version: '1.0.0', ...config });
  await register('caller', CALLER, {
    locations: ['edge', 'cloud'],
    publishes: ['alerts/+', 'reports/#'],
    invokes: ['restricted', 'inCloud', 'absent'],
  });
  // No device may use it: functions may.
  const twice =
    'exports.handler = async ({ n }, context) => ({ n: n * 2, by: context.clientContext?.custom?.device });';
  await register('restricted', twice, { devices: ['nobody'] });
  await register(
    'inCloud',
    'exports.handler = async (event, context) => ({ ...event, edge: "edge" in context });',
    {
      locations: ['cloud'],
      devices: ['nobody'],
    },
  );
  await register('circle', CIRCLE, { invokes: ['circle'], instances: 16 });
  await register('slow', SLOW, { invokes: ['endless'], timeout: 2 });
  await register('endless', ENDLESS, { timeout: 60, instances: 1 });
  const edge = await environment.startEdge(GROUP);
  // Nine instances of the circle at once, beside what the template preloads.
  await changeGroup(environment, edge, ({ limits }) => ({
    limits: { storage: 1_024, memory: 4_096, instances: 64, seq: (limits?.seq ?? 0) + 1 },
  }));
  [device, other] = await Promise.all([
    environment.connectDevice('sensor-1'),
    environment.connectDevice('sensor-2'),
  ]);
  for (const name of ['caller', 'circle', 'slow', 'endless']) await device.deploy(name);
});

afterAll(() => environment?.close());

const call = (event: object, name = 'caller') => device.invoke(name, event);

describe('publish', () => {
  it('reaches the devices that subscribe, on the topics that are allowed', async () => {
    await Promise.all([other.subscribe('alerts/#'), device.subscribe('reports/#')]);
    await expect(call({ publish: 'alerts/line-1', payload: { level: 3 } })).resolves.toBeNull();
    await expect(call({ publish: 'reports/daily/line-1', payload: [1, 2] })).resolves.toBeNull();
    await expect(other.heard('alerts/line-1')).resolves.toEqual({ level: 3 });
    await expect(device.heard('reports/daily/line-1')).resolves.toEqual([1, 2]);
    await expect(call({ publish: 'alerts/line-1/deep', payload: 1 })).resolves.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    await expect(call({ publish: 'alerts/#', payload: 1 })).resolves.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(call({ publish: 'alerts/last', payload: 'end' })).resolves.toBeNull();
    await other.heard('alerts/last');
    expect(other.shared.map(({ topic }) => topic)).toEqual(['alerts/line-1', 'alerts/last']);
    expect(device.shared.map(({ topic }) => topic)).toEqual(['reports/daily/line-1']);
  });

  it('the example tells other devices of a calibration', async () => {
    await environment.addDevice('technician-1', GROUP);
    const technician = await environment.connectDevice('technician-1');
    await Promise.all([technician.deploy('calibrateSensor'), other.subscribe('calibrations/+')]);
    const points = { low: { raw: 0, reference: 1 }, high: { raw: 1, reference: 3 } };
    await expect(technician.invoke('calibrateSensor', points)).resolves.toEqual({ gain: 2, offset: 1 });
    await expect(other.heard('calibrations/technician-1')).resolves.toEqual({ gain: 2, offset: 1 });
  });
});

describe('invoke', () => {
  it('a function that does not run here is refused, until it does', async () => {
    await expect(call({ invoke: 'restricted', input: { n: 21 } })).resolves.toMatchObject({
      code: 'FUNCTION_NOT_DEPLOYED',
    });
    // The operator lets sensor-2 have it; the function calls for sensor-1, who may not.
    await environment.registerFunction(
      'restricted',
      'exports.handler = async ({ n }, context) => ({ n: n * 2, by: context.clientContext?.custom?.device });',
      { version: '1.0.1', devices: ['sensor-2'] },
    );
    await other.deploy('restricted');
    await expect(call({ invoke: 'restricted', input: { n: 21 } })).resolves.toEqual({
      n: 42,
      by: 'sensor-1',
    });
    await expect(device.invoke('restricted', { n: 1 })).rejects.toMatchObject({ code: 'NOT_ENTITLED' });
  });

  it('one in the cloud, by the right of the calling function', async () => {
    const options = { location: 'cloud' };
    await expect(call({ invoke: 'inCloud', input: { a: 1 }, options })).resolves.toEqual({
      a: 1,
      edge: false,
    });
    await expect(device.invoke('inCloud', {}, { location: 'cloud' })).rejects.toMatchObject({
      code: 'NOT_ENTITLED',
    });
    await expect(call({ invoke: 'absent', options })).resolves.toMatchObject({ code: 'FUNCTION_NOT_FOUND' });
  });

  it('none that the configuration does not list', async () => {
    await expect(call({ invoke: 'circle' })).resolves.toEqual({ code: 'NOT_PERMITTED', name: 'EdgeError' });
    await expect(call({ invoke: 'circle', options: { location: 'cloud' } })).resolves.toMatchObject({
      code: 'NOT_PERMITTED',
    });
  });

  it('a circle ends', async () => {
    await expect(call({}, 'circle')).resolves.toEqual({ depth: 8, code: 'TOO_MANY_HOPS' });
  });

  it('what is called ends with its caller, and the caller with its own time', async () => {
    // Which of the two is ended first is a matter of a moment.
    await expect(call({}, 'slow')).rejects.toMatchObject({
      code: expect.stringMatching(/^(FUNCTION_TIMED_OUT|FUNCTION_ERROR)$/) as string,
    });
    // Its only instance is free again, though it might have run for a minute.
    await expect(call({ quick: true }, 'endless')).resolves.toBe('quick');
  });

  it('in the cloud there is no context.edge', async () => {
    await expect(device.invoke('caller', {}, { location: 'cloud' })).resolves.toBe('no edge');
  });
});
