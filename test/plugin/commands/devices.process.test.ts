import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DescribeThingCommand, ListThingsInThingGroupCommand } from '@aws-sdk/client-iot';
import { type Edge } from '../../../local';
import { connectRaw, openRaw } from '../../support/rawDevice';
import { definitionOf } from '../../support/operatorChange';
import { GROUP, type TestEnvironment } from '../../support/environment';
import { LiveService } from '../../support/liveService';

/** Devices that leave: `sls edge device remove`, and those that leave serverless.yml. */
const MINUTE = 60_000;

let service: LiveService;
let environment: TestEnvironment;
let edge: Edge;
let serviceDir: string;

beforeAll(async () => {
  service = await LiveService.start((yaml) =>
    yaml.replace('devices: [sensor-1, sensor-2]', 'things: true\n      devices: [sensor-1, sensor-2]'),
  );
  ({ environment, serviceDir } = service);
  edge = await service.startEdge();
}, MINUTE);

afterAll(() => service.close());

const run: LiveService['run'] = (...args) => service.run(...args);
const json: LiveService['json'] = (...args) => service.json(...args);

async function thingExists(thingName: string): Promise<boolean> {
  try {
    await environment.operator.clients.iot.send(new DescribeThingCommand({ thingName }));
    return true;
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return false;
    throw error;
  }
}

async function editService(from: string, to: string): Promise<void> {
  const file = path.join(serviceDir, 'serverless.yml');
  const yaml = await readFile(file, 'utf8');
  if (!yaml.includes(from)) throw new Error(`serverless.yml has no "${from}"`);
  await writeFile(file, yaml.replace(from, to));
}

/** Of the thing group that the stack makes for the group. */
async function members(): Promise<string[]> {
  const thingGroupName = `edge-demo-dev-${GROUP}`;
  const { things = [] } = await environment.operator.clients.iot.send(
    new ListThingsInThingGroupCommand({ thingGroupName }),
  );
  return things.sort();
}

interface RollOut {
  groups: {
    dropped: string[];
    pruned: { thingName: string; certificates: string[] }[];
    changes: unknown[];
  }[];
}

describe('sls edge device remove', () => {
  it(
    'cuts the device off, releases what it asked for and deletes its certificate',
    async () => {
      const files = await environment.addDevice('visitor', GROUP);
      const device = await environment.connectDevice('visitor');
      await device.deploy('detectAnomaly');
      await device.close();
      const connected = await openRaw(edge, files);
      const closed = connected.closed();

      const removed = await json('device', 'remove', '--name', 'visitor');
      expect(removed).toMatchObject({
        thingName: 'visitor',
        certificates: [files.certificateId],
        kept: [],
        thing: 'kept',
        stillNamedBy: [],
        groups: [
          {
            group: GROUP,
            changes: [
              { what: 'device', how: 'removed', name: 'visitor' },
              { what: 'claim', how: 'removed', name: 'visitor/detectAnomaly' },
            ],
          },
        ],
      });
      await closed;
      await expect(connectRaw(edge, files)).rejects.toMatchObject({ code: 5 });
      expect(await environment.operator.certificatesOf('visitor')).toEqual([]);
      const { devices, claims } = await definitionOf(environment);
      expect(devices['visitor']).toMatchObject({ revoked: true });
      expect(claims['visitor/detectAnomaly']).toMatchObject({ released: true });

      // The same folder: the certificate in it is good for nothing, so there is a new one.
      const { certificateId } = await environment.addDevice('visitor', GROUP);
      expect(certificateId).not.toBe(files.certificateId);
    },
    MINUTE,
  );

  it(
    'deletes the thing where that is asked for, and says what stays',
    async () => {
      const { stdout } = await run('device', 'remove', '--name', 'visitor', '--thing');
      expect(stdout).toMatch(/visitor is no device any more/);
      expect(stdout).toMatch(/certificate [0-9a-f]{8}… deleted\n.*thing visitor deleted/);
      expect(await thingExists('visitor')).toBe(false);

      const again = await run('device', 'remove', '--name', 'nobody', '--json');
      expect(again.code).toBe(1);
      expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'NOT_FOUND' } });
    },
    MINUTE,
  );

  it(
    'leaves a certificate alone that serves a thing or a policy of somebody else',
    async () => {
      const { operator, outputs } = environment;
      const { devicePolicy } = outputs;
      const thing = await operator.provisionThing({ thingName: 'shared', policyName: devicePolicy });
      await operator.provisionThing({ thingName: 'shared-2', policyName: devicePolicy });
      const { certificates, things } = environment.cloud.services.iotCore.registry;
      things.attach('shared-2', thing.certificateId);
      await environment.updateGroup({ group: GROUP, devices: [thing] });
      const removed = await json('device', 'remove', '--name', 'shared', '--thing');
      expect(removed).toMatchObject({
        certificates: [],
        kept: [{ certificateId: thing.certificateId, reason: 'thing shared-2' }],
        thing: 'kept',
      });
      expect(await operator.activeCertificatesOf('shared')).toEqual([thing.certificateId]);
      expect(certificates.describe(thing.certificateId).policyNames).toEqual([]);
      expect((await definitionOf(environment)).devices['shared']).toMatchObject({ revoked: true });
    },
    MINUTE,
  );
});

describe('a device that leaves serverless.yml', () => {
  it(
    'stays, and every roll-out says so; one that was added by hand is none of it',
    async () => {
      const core = `edge-demo-dev-${GROUP}-core`;
      expect(await members()).toEqual([core, 'sensor-1', 'sensor-2']);
      await environment.addDevice('by-hand', GROUP);
      await editService('devices: [sensor-1, sensor-2]', 'devices: [sensor-1]');
      const { stdout } = await run('deploy');
      expect(stdout).toContain('! no longer named, and devices still: sensor-2');
      expect(stdout).toContain('sls edge deploy --prune');
      const { groups } = await json<RollOut>('deploy', '--package', '.serverless');
      expect(groups).toMatchObject([{ dropped: ['sensor-2'], pruned: [], changes: [] }]);
      expect((await definitionOf(environment)).devices['sensor-2']?.revoked).toBeUndefined();
      expect(await members()).toEqual(['by-hand', core, 'sensor-1', 'sensor-2']);
    },
    2 * MINUTE,
  );

  it(
    'is removed where that is asked for, and comes back with a new certificate only',
    async () => {
      const { certificateId } = await environment.deviceCredentials('sensor-2');
      const { groups } = await json<RollOut>('deploy', '--package', '.serverless', '--prune');
      expect(groups).toMatchObject([
        { dropped: [], pruned: [{ thingName: 'sensor-2', certificates: [certificateId] }] },
      ]);
      const { devices } = await definitionOf(environment);
      expect(devices['sensor-2']).toMatchObject({ revoked: true });
      expect(devices['by-hand']?.revoked).toBeUndefined();
      // The stack made the thing, and would have deleted it but for the certificate.
      expect(await thingExists('sensor-2')).toBe(false);
      expect(await members()).not.toContain('sensor-2');

      await editService('devices: [sensor-1]', 'devices: [sensor-1, sensor-2]');
      const named = await run('deploy');
      expect(named.stdout).toContain('! sensor-2 has no certificate: sls edge device add --name sensor-2');
      await json('device', 'add', '--name', 'sensor-2', '--group', GROUP);
      const after = (await definitionOf(environment)).devices['sensor-2'];
      expect(after?.revoked).toBeUndefined();
      expect(after?.certificateId).not.toBe(certificateId);
      expect((await run('deploy', '--package', '.serverless')).stdout).not.toContain('no longer named');
      expect(await members()).toContain('sensor-2');

      // Its certificate serves something else, so the thing stays; it is no member any more.
      await environment.operator.provisionThing({
        thingName: 'twin',
        policyName: environment.outputs.devicePolicy,
      });
      const { things } = environment.cloud.services.iotCore.registry;
      things.attach('twin', after?.certificateId ?? '');
      await json('device', 'remove', '--name', 'sensor-2');
      expect((await run('deploy', '--package', '.serverless')).stdout).toContain(
        '! the certificate of sensor-2 is revoked here: sls edge device add --name sensor-2',
      );
      expect(await members()).not.toContain('sensor-2');
    },
    3 * MINUTE,
  );
});
