import { MAX_UPDATE_PAYLOAD, type CoreUpdate } from '../../../protocol';
import { handleDeploymentRequest } from '../../../handlers/handleDeploymentRequest/handleDeploymentRequest';
import { certificateOf, CORE, CORE_CERTIFICATE, manifestOf, plant } from '../fixtures';
import { MemoryDefinitions, MemoryRequests } from '../memory/definitions';
import { fixedClock, MemoryCoreMessages, MemoryDeviceDirectory, MemoryLog } from '../memory/messages';
import { MemoryRegistry } from '../memory/registry';

function world() {
  const definitions = new MemoryDefinitions();
  definitions.put(plant({ entitlements: { secret: { devices: ['line-*'], seq: 1 } } }));
  const registry = new MemoryRegistry();
  for (const [name, more] of [
    ['detect', {}],
    ['secret', {}],
    ['train', { locations: ['cloud'] }],
    ['private', { devices: ['line-*'] }],
  ] as const) {
    const manifest = manifestOf(name, '1.0.0', more);
    const versions = { '1.0.0': { manifest, registeredAt: '2026-01-01T00:00:00.000Z' } };
    registry.indexes.set(name, { value: { format: 1, name, latest: '1.0.0', versions }, etag: '"1"' });
  }
  const devices = new MemoryDeviceDirectory();
  devices.things.set(certificateOf('rover'), 'rover');
  const hinted: string[] = [];
  const ports = {
    definitions,
    registry,
    devices,
    requests: new MemoryRequests(),
    messages: new MemoryCoreMessages(),
    hint: async (group: string) => void hinted.push(group),
    clock: fixedClock,
    log: new MemoryLog(),
  };
  const raw = (payload: string | Buffer, more: object = {}) =>
    handleDeploymentRequest(
      { payload: Buffer.from(payload).toString('base64'), core: CORE, principal: CORE_CERTIFICATE, ...more },
      ports,
    );
  const send = (update: Partial<CoreUpdate>, more: object = {}) =>
    raw(JSON.stringify({ requestId: 'r-1', group: 'plant', ...update }), more);
  return { ...ports, hinted, raw, send };
}

const claim = (device: string, name: string, more: object = {}) => ({
  device,
  function: name,
  version: '1.0.0',
  seq: 1,
  ...more,
});
const join = (device: string, certificate = device) => ({
  device,
  certificateId: certificateOf(certificate),
  seq: 1,
});

describe('handleDeploymentRequest', () => {
  it('stores an authorised update with the manifests of the registry, accepts it and gives the hint', async () => {
    const { requests, messages, hinted, send } = world();
    await send({ claims: [claim('camera-1', 'detect')], joins: [join('rover')] });
    expect([...requests.stored]).toEqual([
      [
        'requests/plant/r-1.json',
        {
          requestId: 'r-1',
          group: 'plant',
          origin: { kind: 'core', name: CORE },
          receivedAt: '2026-01-02T03:04:05.000Z',
          devices: { rover: { certificateId: certificateOf('rover'), source: 'core', seq: 1 } },
          statics: {},
          entitlements: {},
          claims: { 'camera-1/detect': { version: '1.0.0', seq: 1 } },
          functions: { 'detect@1.0.0': manifestOf('detect', '1.0.0') },
        },
      ],
    ]);
    expect(messages.sent).toEqual([{ kind: 'accepted', core: CORE, requestId: 'r-1' }]);
    expect(hinted).toEqual(['plant']);
  });

  it('accepts a second copy again and stores it once', async () => {
    const { requests, messages, send } = world();
    await send({ claims: [claim('camera-1', 'detect')] });
    await send({ claims: [claim('camera-1', 'detect')] });
    expect(requests.history).toHaveLength(1);
    expect(messages.sent.map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
  });

  it('lets a device that joins claim in the same update', async () => {
    const { messages, send } = world();
    await send({ claims: [claim('rover', 'detect')], joins: [join('rover')] });
    expect(messages.sent[0]?.kind).toBe('accepted');
  });

  it('needs no registry for a release, and takes one of a revoked device', async () => {
    const { requests, messages, send } = world();
    const released = { released: true as const };
    await send({ claims: [claim('camera-1', 'gone', released), claim('camera-2', 'detect', released)] });
    expect(messages.sent[0]?.kind).toBe('accepted');
    expect([...requests.stored.values()][0]).toMatchObject({
      claims: { 'camera-1/gone': { released: true }, 'camera-2/detect': { released: true } },
      functions: {},
    });
  });

  describe('failures', () => {
    const failure = {
      function: 'detect',
      version: '2.0.0',
      error: { code: 'FUNCTION_INIT_FAILED' as const, message: 'thrown' },
      upTo: { claims: 5, static: 0 },
    };
    function wanting(version: string) {
      const here = world();
      const functions = { [`detect@${version}`]: manifestOf('detect', version) };
      here.definitions.put(plant({ functions, claims: { 'camera-1/detect': { version, seq: 5 } } }));
      return here;
    }

    it('of a version that the group wants are stored with the last good version from the registry', async () => {
      const { requests, messages, hinted, send } = wanting('2.0.0');
      await send({ failures: [{ ...failure, running: '1.0.0' }] });
      expect(messages.sent).toEqual([{ kind: 'accepted', core: CORE, requestId: 'r-1' }]);
      expect([...requests.stored.values()][0]).toMatchObject({
        rollbacks: {
          'detect@2.0.0': { error: failure.error, fallback: '1.0.0', upTo: { claims: 5, static: 0 }, seq: 1 },
        },
        functions: { 'detect@1.0.0': manifestOf('detect', '1.0.0') },
      });
      expect(hinted).toEqual(['plant']);
    });

    it('need no rollback where the same update takes back all that it would cover', async () => {
      const { requests, send } = wanting('2.0.0');
      await send({ failures: [failure], claims: [claim('camera-1', 'detect', { seq: 6 })] });
      expect([...requests.stored.values()][0]).toMatchObject({
        claims: { 'camera-1/detect': { version: '1.0.0', seq: 6 } },
        rollbacks: {},
      });
    });

    it.each([
      ['of a version that the group does not want', '1.0.0', {}, 'FUNCTION_NOT_DEPLOYED', 'version'],
      ['with an unknown fallback', '2.0.0', { running: '7.0.0' }, 'VERSION_NOT_FOUND', 'running'],
    ])('%s are refused', async (_what, wanted, more, code, field) => {
      const { requests, messages, send } = wanting(wanted);
      await send({ failures: [{ ...failure, ...more }] });
      expect(requests.history).toEqual([]);
      expect(messages.sent).toMatchObject([
        { kind: 'refused', error: { code, field: `failures.0.${field}` } },
      ]);
    });
  });

  it('keeps the higher number of two entries for one claim', async () => {
    const { requests, send } = world();
    await send({
      claims: [
        claim('camera-1', 'detect', { seq: 8, released: true }),
        claim('camera-1', 'detect', { seq: 7 }),
      ],
    });
    expect([...requests.stored.values()][0]?.claims).toEqual({
      'camera-1/detect': { version: '1.0.0', seq: 8, released: true },
    });
  });

  it.each([
    [
      'a device of no group',
      'UNKNOWN_DEVICE',
      'claims.1.device',
      { claims: [claim('camera-1', 'detect'), claim('stranger', 'detect')] },
    ],
    ['a revoked device', 'DEVICE_REVOKED', 'claims.0.device', { claims: [claim('camera-2', 'detect')] }],
    [
      'a release by a stranger',
      'UNKNOWN_DEVICE',
      'claims.0.device',
      { claims: [claim('stranger', 'detect', { released: true })] },
    ],
    [
      'an unknown function',
      'FUNCTION_NOT_FOUND',
      'claims.0.function',
      { claims: [claim('camera-1', 'none')] },
    ],
    [
      'an unknown version',
      'VERSION_NOT_FOUND',
      'claims.0.version',
      { claims: [claim('camera-1', 'detect', { version: '9.0.0' })] },
    ],
    [
      'a device that the manifest does not entitle',
      'NOT_ENTITLED',
      'claims.0.function',
      { claims: [claim('camera-1', 'private')] },
    ],
    [
      'a device that the group does not entitle',
      'NOT_ENTITLED',
      'claims.0.function',
      { claims: [claim('camera-1', 'secret')] },
    ],
    [
      'a function of the cloud only',
      'LOCATION_NOT_ALLOWED',
      'claims.0.function',
      { claims: [claim('camera-1', 'train')] },
    ],
    [
      'a join with an unknown certificate',
      'UNKNOWN_DEVICE',
      'joins.0.certificateId',
      { joins: [join('rover', 'other')] },
    ],
    [
      'a join under another thing’s name',
      'UNKNOWN_DEVICE',
      'joins.0.certificateId',
      { joins: [join('truck', 'rover')] },
    ],
    ['a join of a revoked device', 'DEVICE_REVOKED', 'joins.0.device', { joins: [join('camera-2')] }],
    [
      'a join against the operator’s word',
      'UNKNOWN_DEVICE',
      'joins.0.certificateId',
      { joins: [join('camera-1', 'rover')] },
    ],
    ['an unknown group', 'GROUP_NOT_FOUND', undefined, { group: 'nowhere' }],
    [
      'a wrong form',
      'BAD_REQUEST',
      'claims.0.version',
      { claims: [claim('camera-1', 'detect', { version: '^1' })] },
    ],
  ])('refuses the whole update for %s: %s at %s', async (_what, code, field, update) => {
    const { requests, messages, hinted, send } = world();
    await send(update);
    expect(messages.sent).toEqual([
      { kind: 'refused', core: CORE, requestId: 'r-1', error: expect.objectContaining({ code }) },
    ]);
    const [sent] = messages.sent;
    expect(sent?.kind === 'refused' && sent.error.field).toBe(field);
    expect([requests.stored.size, hinted]).toEqual([0, []]);
  });

  it.each([
    ['another certificate', { principal: 'd'.repeat(64) }],
    ['no certificate', { principal: 'someone@example.org' }],
    ['another core’s topic', { core: 'core-2' }],
  ])('refuses a core with %s', async (_what, more) => {
    const { requests, messages, send } = world();
    await send({ claims: [claim('camera-1', 'detect')] }, more);
    expect(messages.sent).toMatchObject([{ kind: 'refused', error: { code: 'CORE_NOT_AUTHORISED' } }]);
    expect(requests.stored.size).toBe(0);
  });

  it.each([
    ['no JSON', '{', undefined, 'BAD_REQUEST'],
    ['binary', Buffer.from([0xff, 0xfe, 0]), undefined, 'BAD_REQUEST'],
    ['no object', '[]', undefined, 'BAD_REQUEST'],
    ['an unknown field', '{"requestId":"r-7","group":"plant","core":{}}', 'r-7', 'BAD_REQUEST'],
    [
      'too much',
      JSON.stringify({ requestId: 'r-8', pad: 'x'.repeat(MAX_UPDATE_PAYLOAD) }),
      'r-8',
      'PAYLOAD_TOO_LARGE',
    ],
  ])(
    'answers a payload with %s, under its request id if it can be read',
    async (_what, payload, requestId, code) => {
      const { messages, raw } = world();
      await raw(payload);
      expect(messages.sent).toEqual([
        { kind: 'refused', core: CORE, requestId, error: expect.objectContaining({ code }) },
      ]);
    },
  );

  it('logs what is no event of the rule, and does not ask for a retry', async () => {
    const { log, messages, send } = world();
    await send({}, { core: 'core/#' });
    expect(messages.sent).toEqual([]);
    expect(log.lines.map(({ level }) => level)).toEqual(['error']);
  });

  it('reads each function and looks up each device once', async () => {
    const { registry, devices, send } = world();
    let reads = 0;
    const index = registry.index.bind(registry);
    registry.index = (name) => ((reads += 1), index(name));
    await send({
      claims: [claim('camera-1', 'detect'), claim('rover', 'detect')],
      joins: [join('rover')],
    });
    expect([reads, devices.lookUps]).toEqual([1, 1]);
  });

  it('accepts also when the hint is lost', async () => {
    const all = world();
    all.hint = async () => Promise.reject(new Error('no route'));
    const event = {
      payload: Buffer.from('{"requestId":"r-1","group":"plant"}').toString('base64'),
      core: CORE,
      principal: CORE_CERTIFICATE,
    };
    await handleDeploymentRequest(event, all);
    expect(all.messages.sent[0]?.kind).toBe('accepted');
    expect(all.log.lines.at(-1)?.level).toBe('warn');
  });

  it('throws a fault, so that the event comes again', async () => {
    const { registry, messages, send } = world();
    registry.index = async () => Promise.reject(new Error('S3 is down'));
    await expect(send({ claims: [claim('camera-1', 'detect')] })).rejects.toThrow('S3 is down');
    expect(messages.sent).toEqual([]);
  });
});
