import type { ValidateRequest } from '../../../protocol';
import { cloudRemoteExecution } from '../../../handlers/cloudRemoteExecution/cloudRemoteExecution';
import { validateFunction } from '../../../handlers/validateFunction/validateFunction';
import { CALLER, manifestOf, plant } from '../fixtures';
import { refused } from '../expectCode';
import { MemoryDefinitions } from '../memory/definitions';
import { MemoryRegistry } from '../memory/registry';
import { MemoryCloud, MemoryPackages } from '../memory/uploads';

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:edge-detect';

function world() {
  const definitions = new MemoryDefinitions();
  definitions.put(plant({ entitlements: { opened: { devices: ['camera-1'], seq: 1 } } }));
  const registry = new MemoryRegistry();
  const put = (name: string, latest: string, versions: Record<string, object>) =>
    registry.indexes.set(name, {
      etag: '"1"',
      value: {
        format: 1,
        name,
        latest,
        versions: Object.fromEntries(
          Object.entries(versions).map(([version, more]) => [
            version,
            { manifest: manifestOf(name, version, more), registeredAt: '2026-01-01T00:00:00.000Z' },
          ]),
        ),
      },
    });
  const both = (qualifier: string) => ({
    locations: ['edge', 'cloud'],
    cloud: { functionArn: ARN, qualifier },
  });
  put('detect', '1.0.1', {
    '1.0.0': both('1'),
    '1.0.1': both('2'),
    '1.2.0': both('3'),
    '2.0.0-beta.1': both('4'),
  });
  put('private', '1.0.0', { '1.0.0': { devices: ['line-*'] } });
  put('opened', '1.0.0', { '1.0.0': { devices: ['line-*'] } });
  put('train', '1.0.0', { '1.0.0': { locations: ['cloud'], cloud: { functionArn: ARN, qualifier: '7' } } });
  put('guard', '2.0.0', { '1.0.0': { invokes: ['train', 'private'] }, '2.0.0': {} });
  put('modern', '1.0.0', { '1.0.0': { requires: { node: '>=22', architectures: ['arm64'] } } });
  const cloud = new MemoryCloud();
  let now = 1000;
  const clock = { now: () => (now += 5) };
  return { definitions, registry, packages: new MemoryPackages(), cloud, clock };
}

const platform = { node: '20.20.2', architecture: 'x64', os: 'linux' };
const ask = (more: Partial<ValidateRequest> = {}): ValidateRequest => ({
  requestId: 'r-1',
  device: 'camera-1',
  location: 'edge',
  platform,
  ...more,
});

const validate = (name: string, more: Partial<ValidateRequest> = {}, call: object = {}) =>
  validateFunction({ group: 'plant', function: name, caller: CALLER, request: ask(more), ...call }, world());

describe('validateFunction', () => {
  it('answers everything that the edge needs', async () => {
    const manifest = manifestOf('detect', '1.0.1', {
      locations: ['edge', 'cloud'],
      cloud: { functionArn: ARN, qualifier: '2' },
    });
    expect(await validate('detect')).toEqual({
      manifest,
      devices: ['*'],
      topics: { call: 'call/detect' },
      package: expect.objectContaining({ digest: manifest.digest, size: manifest.size }),
    });
  });

  it.each([
    [undefined, '1.0.1'],
    ['^1', '1.2.0'],
    ['~1.0', '1.0.1'],
    ['1.0.0', '1.0.0'],
    ['2.0.0-beta.1', '2.0.0-beta.1'],
  ])('gives for the version %s the version %s', async (version, expected) => {
    const { manifest } = await validate('detect', version === undefined ? {} : { version });
    expect(manifest.version).toBe(expected);
  });

  it('names no package and asks for no platform when the function is wanted in the cloud', async () => {
    const answer = await validate('train', { location: 'cloud' });
    expect(answer).not.toHaveProperty('package');
  });

  it('goes by the entitlements of the group where it has any', async () => {
    expect((await validate('opened')).devices).toEqual(['camera-1']);
  });

  it('costs two object reads', async () => {
    const ports = world();
    const reads: string[] = [];
    const { read } = ports.definitions;
    const { index } = ports.registry;
    ports.definitions.read = (group) => (reads.push(group), read.call(ports.definitions, group));
    ports.registry.index = (name) => (reads.push(name), index.call(ports.registry, name));
    await validateFunction({ group: 'plant', function: 'detect', caller: CALLER, request: ask() }, ports);
    expect(reads).toEqual(['plant', 'detect']);
  });

  it.each([
    ['FUNCTION_NOT_FOUND', 'none', {}],
    ['VERSION_NOT_FOUND', 'detect', { version: '^3' }],
    ['VERSION_NOT_FOUND', 'detect', { version: '1.0.9' }],
    ['UNKNOWN_DEVICE', 'detect', { device: 'stranger' }],
    ['DEVICE_REVOKED', 'detect', { device: 'camera-2' }],
    ['NOT_ENTITLED', 'private', {}],
    ['LOCATION_NOT_ALLOWED', 'train', {}],
    ['LOCATION_NOT_ALLOWED', 'opened', { location: 'cloud' }],
    ['PLATFORM_NOT_SUPPORTED', 'modern', {}],
    ['PLATFORM_NOT_SUPPORTED', 'modern', { platform: { ...platform, node: '22.1.0' } }],
  ] as const)('refuses with %s: %s %j', async (code, name, more) => {
    await refused(code, validate(name, more));
  });

  it('tells nothing to anybody but the core of the group', async () => {
    await refused('CORE_NOT_AUTHORISED', validate('none', {}, { caller: { certificateId: 'd'.repeat(64) } }));
    await refused('GROUP_NOT_FOUND', validate('detect', {}, { group: 'nowhere' }));
  });
});

describe('cloudRemoteExecution', () => {
  const invoke = (name: string, more: object = {}, ports = world(), caller = CALLER) =>
    cloudRemoteExecution(
      { group: 'plant', function: name, caller, request: { requestId: 'r-1', device: 'camera-1', ...more } },
      ports,
    );

  it('invokes the version that the device asked for', async () => {
    const ports = world();
    const answer = await invoke('detect', { version: '^1', input: { samples: [1] } }, ports);
    expect(answer).toEqual({ version: '1.2.0', output: { samples: [1] }, durationMs: 5 });
    expect(ports.cloud.invoked).toEqual([
      { target: { functionArn: ARN, qualifier: '3' }, input: { samples: [1] } },
    ]);
  });

  it.each([
    ['FUNCTION_NOT_FOUND', 'none', {}],
    ['VERSION_NOT_FOUND', 'detect', { version: '^3' }],
    ['UNKNOWN_DEVICE', 'detect', { device: 'stranger' }],
    ['DEVICE_REVOKED', 'detect', { device: 'camera-2' }],
    ['NOT_ENTITLED', 'private', {}],
    ['LOCATION_NOT_ALLOWED', 'opened', {}],
  ] as const)('refuses with %s before it invokes: %s %j', async (code, name, more) => {
    const ports = world();
    await refused(code, invoke(name, more, ports));
    expect(ports.cloud.invoked).toEqual([]);
  });

  describe('for a function on the edge', () => {
    /** The group wants the function, at a version that has replaced the calling one. */
    function wanting(name: string) {
      const ports = world();
      ports.definitions.put(plant({ functions: { [`${name}@2.0.0`]: manifestOf(name, '2.0.0') } }));
      return ports;
    }

    it('goes by what the registry says that its version may call, not by the device', async () => {
      const ports = wanting('guard');
      await expect(invoke('train', { caller: 'guard@1.0.0' }, ports)).resolves.toMatchObject({
        version: '1.0.0',
      });
      await refused('LOCATION_NOT_ALLOWED', invoke('private', { caller: 'guard@1.0.0' }, ports));
      expect(ports.cloud.invoked).toHaveLength(1);
    });

    it.each([
      ['NOT_PERMITTED', 'guard', 'guard@2.0.0', {}],
      ['NOT_PERMITTED', 'guard', 'guard@9.0.0', {}],
      ['NOT_PERMITTED', 'detect', 'guard@1.0.0', {}],
      ['DEVICE_REVOKED', 'guard', 'guard@1.0.0', { device: 'camera-2' }],
    ] as const)('refuses with %s: group with %s, called by %s %j', async (code, has, caller, more) => {
      const ports = wanting(has);
      await refused(code, invoke('train', { caller, ...more }, ports));
      expect(ports.cloud.invoked).toEqual([]);
    });
  });

  it('invokes nothing for anybody but the core of the group', async () => {
    await refused('CORE_NOT_AUTHORISED', invoke('detect', {}, world(), { certificateId: 'd'.repeat(64) }));
  });
});
