import {
  getDevice,
  getGroupDefinition,
  getPackage,
} from '../../../handlers/getGroupDefinition/getGroupDefinition';
import { CALLER, certificateOf, manifestOf, plant, storedUpdate } from '../fixtures';
import { refused } from '../expectCode';
import { MemoryDefinitions, MemoryRequests } from '../memory/definitions';
import { MemoryDeviceDirectory } from '../memory/messages';
import { MemoryPackages } from '../memory/uploads';

const stranger = { certificateId: 'd'.repeat(64) };

function world() {
  const definitions = new MemoryDefinitions();
  definitions.put(plant({ revision: 1 }));
  definitions.put(plant({ revision: 2, functions: { 'detect@1.0.0': manifestOf('detect', '1.0.0') } }));
  const devices = new MemoryDeviceDirectory();
  devices.things.set(certificateOf('rover'), 'rover').set(certificateOf('camera-2'), 'camera-2');
  return { definitions, devices, requests: new MemoryRequests(), packages: new MemoryPackages() };
}

describe('getGroupDefinition', () => {
  const get = (more: object = {}) => getGroupDefinition({ group: 'plant', caller: CALLER, ...more }, world());

  it('gives the latest with its ETag', async () => {
    const latest = { kind: 'definition', definition: expect.objectContaining({ revision: 2 }), etag: '"2"' };
    expect(await get()).toEqual(latest);
    expect(await get({ revision: 2 })).toEqual(latest);
  });

  it.each([
    ['"2"', 'unchanged'],
    ['W/"2"', 'unchanged'],
    ['"1", "2"', 'unchanged'],
    ['*', 'unchanged'],
    ['"1"', 'definition'],
    ['2', 'definition'],
  ])('answers If-None-Match %s with %s', async (ifNoneMatch, kind) => {
    expect((await get({ ifNoneMatch })).kind).toBe(kind);
  });

  it('gives an older revision, whatever ETag the core has', async () => {
    const answer = await get({ revision: 1, ifNoneMatch: '"2"' });
    expect(answer).toEqual({ kind: 'definition', definition: plant({ revision: 1 }) });
  });

  it('refuses strangers, groups and revisions that are not there', async () => {
    await refused('CORE_NOT_AUTHORISED', get({ caller: stranger }));
    await refused('CORE_NOT_AUTHORISED', get({ caller: stranger, revision: 1 }));
    await refused('GROUP_NOT_FOUND', get({ group: 'nowhere' }));
    await refused('REVISION_NOT_FOUND', get({ revision: 3 }));
  });

  it('refuses everybody while the group has no core', async () => {
    const ports = world();
    const { core: _none, ...coreless } = plant();
    ports.definitions.put(coreless);
    await refused('CORE_NOT_AUTHORISED', getGroupDefinition({ group: 'plant', caller: CALLER }, ports));
  });
});

describe('getPackage', () => {
  const { digest, size } = manifestOf('detect', '1.0.0');
  const get = (more: object = {}) => getPackage({ group: 'plant', caller: CALLER, digest, ...more }, world());

  it('locates a package that the definition names', async () => {
    expect(await get()).toMatchObject({ digest, size });
  });

  it('locates a package that only a stored update names', async () => {
    const ports = world();
    const { digest: pending, size: bytes } = manifestOf('detect', '2.0.0');
    const call = { group: 'plant', caller: CALLER, digest: pending };
    await refused('NOT_FOUND', getPackage(call, ports));
    const functions = { 'detect@2.0.0': manifestOf('detect', '2.0.0') };
    await ports.requests.store(storedUpdate('r1', { functions }));
    expect(await getPackage(call, ports)).toMatchObject({ digest: pending, size: bytes });
  });

  it('refuses any other digest, and strangers', async () => {
    await refused('NOT_FOUND', get({ digest: 'e'.repeat(64) }));
    await refused('CORE_NOT_AUTHORISED', get({ caller: stranger }));
  });
});

describe('getDevice', () => {
  const get = (device: string, more: object = {}) =>
    getDevice({ group: 'plant', caller: CALLER, certificateId: certificateOf(device), ...more }, world());

  it('names the thing behind a certificate', async () => {
    expect(await get('rover')).toEqual({ thingName: 'rover', certificateId: certificateOf('rover') });
  });

  it('refuses unknown and revoked devices, and strangers', async () => {
    await refused('UNKNOWN_DEVICE', get('nobody'));
    await refused('DEVICE_REVOKED', get('camera-2'));
    await refused('CORE_NOT_AUTHORISED', get('rover', { caller: stranger }));
  });
});
