import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addDevice, startCloud, type Device, type TestCloud } from './harness';

/** The official device SDK, as a device or a core would use it. */
let test_: TestCloud;
beforeEach(async () => {
  test_ = await startCloud();
});
afterEach(() => test_.close());

async function runDevice(device: Device, more: Record<string, unknown>): Promise<unknown> {
  const files: Record<string, string> = {};
  const contents = {
    cert: device.certificatePem,
    key: device.privateKeyPem,
    ca: test_.authority.certificatePem,
  };
  for (const [name, content] of Object.entries(contents)) {
    files[name] = join(test_.cloud.stateDir, `${device.thingName}-${name}.pem`);
    await writeFile(files[name], content, { mode: 0o600 });
  }
  const input = { ...test_.iotCore.mqtt, clientId: device.thingName, ...files, ...more };
  const agent = join(__dirname, 'deviceAgent.mjs');
  const child = spawn(process.execPath, [agent, JSON.stringify(input)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(output);
}

test('connects by 127.0.0.1 and by localhost, subscribes, publishes, receives', async () => {
  const device = await addDevice(test_, 'sensor-1');
  const received = ['message 0', 'message 1', 'message 2'];
  for (const host of ['127.0.0.1', 'localhost']) {
    expect(await runDevice(device, { host, topic: 'sensor-1/a', count: 3 })).toEqual({ received });
  }
});

test('loses its connection when it publishes where it may not', async () => {
  const device = await addDevice(test_, 'sensor-1');
  const answer = await runDevice(device, { topic: 'sensor-1/a', count: 1, forbidden: 'sensor-2/a' });
  expect(answer).toEqual({ received: ['message 0'], refused: true });
});

test('is refused without a registered certificate', async () => {
  const stranger = { ...(await test_.authority.issueClient({ commonName: 'x' })), thingName: 'sensor-1' };
  expect(await runDevice(stranger, { topic: 'sensor-1/a', count: 1 })).toEqual({
    error: expect.any(String) as string,
  });
});
