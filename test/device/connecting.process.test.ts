import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createAuthority, type TestAuthority } from './support/certificates';
import { DiscoveryServer, document } from './support/discoveryServer';
import { deadPort, Rig } from './support/rig';

/** How the real client finds an edge and is let in, or is told why not. */
let rig: Rig;

beforeAll(async () => {
  rig = await Rig.create();
});

afterEach(async () => {
  await rig.stopEdges();
  await stopSilence();
});

afterAll(() => rig.workshop.close());

let silent: Server | undefined;
const silenced = new Set<Socket>();

/** A port that takes connections and never says a word. */
async function listenSilently(): Promise<number> {
  const server = createServer((socket) => silenced.add(socket.on('error', () => undefined)));
  silent = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function stopSilence(): Promise<void> {
  const server = silent;
  silent = undefined;
  for (const socket of silenced) socket.destroy();
  if (server) await new Promise((resolve) => server.close(resolve));
}

describe('connect fails with a code, and the process exits', () => {
  const CONNECT = `
    await EdgeClient.connect(options).then(
      async (edge) => { say('connected'); await edge.close(); },
      (error) => say('failed', failure(error)));`;

  async function failure(options: unknown): Promise<Record<string, unknown>> {
    const program = await rig.workshop.run(CONNECT, options);
    const failed = await program.says('failed');
    await program.ends();
    expect(failed.isEdgeError).toBe(true);
    return failed;
  }

  test('an unknown certificate: UNKNOWN_DEVICE', async () => {
    const edge = await rig.startEdge({ admitted: [] });
    expect(await failure(rig.at(edge))).toMatchObject({ code: 'UNKNOWN_DEVICE' });
    expect(edge.heard).toEqual([]);
  });

  test('a join that the edge refuses: its code', async () => {
    const edge = await rig.startEdge({
      answersJoin: false,
      script: ({ message: { requestId } }, answer) =>
        answer('failed', { requestId, error: { code: 'DEVICE_REVOKED', message: 'revoked' } }),
    });
    expect(await failure(rig.at(edge))).toMatchObject({ code: 'DEVICE_REVOKED' });
  });

  test('a join that is never answered: in bounded time', async () => {
    const edge = await rig.startEdge({ answersJoin: false, script: () => undefined });
    expect(await failure({ ...rig.at(edge), timeout: 6_000 })).toMatchObject({ code: 'TIMED_OUT' });
    expect(edge.count('join')).toBeGreaterThan(0);
  });

  test('nobody at the endpoint: EDGE_NOT_FOUND', async () => {
    const port = await deadPort();
    expect(await failure(rig.at({ port }))).toMatchObject({
      code: 'EDGE_NOT_FOUND',
      message: expect.stringContaining('is this still its address?') as string,
      details: { tried: [{ host: '127.0.0.1', port }] },
    });
  });

  test('an edge that another authority vouches for: EDGE_NOT_FOUND', async () => {
    const edge = await rig.startEdge();
    const other = await createAuthority('another');
    expect(await failure({ ...rig.at(edge), ca: other.ca })).toMatchObject({ code: 'EDGE_NOT_FOUND' });
    expect(edge.heard).toEqual([]);
  });

  test.each([
    ['thingName', { thingName: 'a/b' }],
    ['certificate', { certificate: '/no/such/file' }],
    ['privateKey', { privateKey: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' }],
    ['discovery', { endpoint: undefined }],
    ['endpoint.port', { endpoint: { host: 'localhost', port: 0 } }],
  ])('a wrong %s: BAD_REQUEST', async (field, wrong) => {
    expect(await failure({ ...rig.at({ port: 1 }), ...wrong })).toMatchObject({ code: 'BAD_REQUEST', field });
  });

  test('the key of another certificate: BAD_REQUEST', async () => {
    const other = await rig.authority.device('sensor-2');
    const wrong = { ...rig.at({ port: 1 }), privateKey: other.privateKeyPem };
    expect(await failure(wrong)).toMatchObject({ code: 'BAD_REQUEST', field: 'privateKey' });
  });
});

describe('found by discovery', () => {
  let discovery: DiscoveryServer;
  let other: TestAuthority;

  beforeAll(async () => {
    // The discovery server has an authority of its own: the edge's comes with its answer.
    other = await createAuthority('discovery authority');
    discovery = await DiscoveryServer.start(await other.server());
  });

  afterAll(() => discovery.stop());

  function byDiscovery(): Record<string, unknown> {
    const url = `https://127.0.0.1:${discovery.port}`;
    return { ...rig.credentials(), ca: other.ca, discovery: { url } };
  }

  test.each(['404 with an empty body', 'no core'])('%s: EDGE_NOT_FOUND', async (what) => {
    if (what === 'no core') discovery.answers(document(rig.authority.ca, []));
    else discovery.respond = (response) => void response.writeHead(404).end();
    const body = `await EdgeClient.connect(options).catch((error) => say('failed', failure(error)));`;
    const program = await rig.workshop.run(body, byDiscovery());
    expect(await program.says('failed')).toMatchObject({ code: 'EDGE_NOT_FOUND', isEdgeError: true });
    await program.ends();
  });

  test('several cores and addresses of which the first are dead, one is silent, one refuses', async () => {
    const silentPort = await listenSilently();
    const refusing = await rig.startEdge({ admitted: [] });
    const edge = await rig.startEdge();
    const first = [await deadPort(), silentPort];
    discovery.answers(document(rig.authority.ca, first, [refusing.port, edge.port]));
    const body = `
      const edge = await EdgeClient.connect(options);
      say('done', { core: edge.core });
      await edge.close();`;
    const program = await rig.workshop.run(body, byDiscovery());
    expect(await program.says('done')).toMatchObject({ core: { name: 'core-1', port: edge.port } });
    await program.ends();
  });

  test('an edge that comes back on another port is found again', async () => {
    const edge = await rig.startEdge();
    discovery.answers(document(rig.authority.ca, [edge.port]));
    const body = `
      const edge = await EdgeClient.connect(options);
      edge.on('reconnected', ({ port }) => say('reconnected', { port }));
      say('connected');
      await told('invoke');
      say('done', { output: await edge.invoke('detectAnomaly', 5) });
      await edge.close();`;
    const program = await rig.workshop.run(body, byDiscovery());
    await program.says('connected');
    await edge.stop();
    const moved = await rig.startEdge();
    discovery.answers(document(rig.authority.ca, [moved.port]));
    expect(await program.says('reconnected')).toMatchObject({ port: moved.port });
    program.tell('invoke');
    expect(await program.says('done')).toMatchObject({ output: { echo: 5 } });
    await program.ends();
  });
});
