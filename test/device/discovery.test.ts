import { candidatesOf, discover } from '../../device/discovery';
import type { DeviceCredentials } from '../../device/identity';
import type { Candidate } from '../../device/link';
import type { IssuedCertificate } from '../../lib/x509/issue';
import { createAuthority, type TestAuthority } from './support/certificates';
import { DiscoveryServer, document } from './support/discoveryServer';

let authority: TestAuthority;
let device: IssuedCertificate;
let identity: DeviceCredentials;
let server: DiscoveryServer;

beforeAll(async () => {
  authority = await createAuthority('discovery authority');
  device = await authority.device('sensor-1');
  identity = {
    thingName: 'sensor:1',
    certificate: device.certificatePem,
    privateKey: device.privateKeyPem,
  };
});

beforeEach(async () => {
  server = await DiscoveryServer.start(await authority.server());
});

afterEach(() => server.stop());

function ask(options: { ca?: string; signal?: AbortSignal } = {}): Promise<Candidate[]> {
  const { ca = authority.ca, signal = new AbortController().signal } = options;
  return discover({ host: '127.0.0.1', port: server.port, ca }, identity, signal);
}

test('asks for its own thing with its own certificate', async () => {
  server.answers(document('EDGE CA', [8883, 8884], [9000]));
  expect(await ask()).toEqual([
    { host: '127.0.0.1', port: 8883, ca: 'EDGE CA' },
    { host: '127.0.0.1', port: 8884, ca: 'EDGE CA' },
    { host: '127.0.0.1', port: 9000, ca: 'EDGE CA' },
  ]);
  expect(server.requests).toEqual([
    { path: 'GET /greengrass/discover/thing/sensor%3A1', certificateId: device.certificateId },
  ]);
});

test.each([
  ['404 with an empty body', 404, '', 'EDGE_NOT_FOUND'],
  ['404 with a body', 404, '{"errorMessage":"no such thing"}', 'EDGE_NOT_FOUND'],
  ['401', 401, '', 'UNKNOWN_DEVICE'],
  ['403', 403, '{}', 'UNKNOWN_DEVICE'],
  ['500', 500, 'oops', 'EDGE_NOT_FOUND'],
  ['a redirect', 302, '', 'EDGE_NOT_FOUND'],
  ['an empty 200', 200, '', 'EDGE_NOT_FOUND'],
  ['200 that is not JSON', 200, '<html>', 'EDGE_NOT_FOUND'],
  ['200 with null', 200, 'null', 'EDGE_NOT_FOUND'],
  ['200 without a group', 200, '{"GGGroups":[]}', 'EDGE_NOT_FOUND'],
])('%s', async (_what, status, body, code) => {
  server.respond = (response) => void response.writeHead(status).end(body);
  await expect(ask()).rejects.toMatchObject({ name: 'EdgeError', code });
});

test('an answer without end is cut off', async () => {
  server.respond = (response) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  };
  await expect(ask()).rejects.toMatchObject({ code: 'EDGE_NOT_FOUND' });
});

test('an answer that breaks off is EDGE_NOT_FOUND', async () => {
  server.respond = (response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{', () => response.destroy());
  };
  await expect(ask()).rejects.toMatchObject({ code: 'EDGE_NOT_FOUND' });
});

test('a server that another authority vouches for is not believed', async () => {
  const other = await createAuthority('another');
  await expect(ask({ ca: other.ca })).rejects.toMatchObject({ code: 'EDGE_NOT_FOUND' });
  expect(server.requests).toEqual([]);
});

test('an abort ends it with its own reason', async () => {
  const controller = new AbortController();
  server.respond = () => controller.abort(new Error('enough'));
  await expect(ask({ signal: controller.signal })).rejects.toThrow('enough');
});

test('keys in any case, ports as text, and entries without an address', () => {
  expect(
    candidatesOf({
      ggGroups: [
        {
          cores: [
            {
              connectivity: [
                { hostAddress: 'edge.local', portNumber: '8883' },
                { hostAddress: '', portNumber: 1 },
                { HOSTADDRESS: '10.0.0.1', PORTNUMBER: 443 },
                { hostAddress: 'edge.local', portNumber: 70_000 },
                null,
              ],
            },
            'nonsense',
          ],
        },
      ],
    }),
  ).toEqual([
    { host: 'edge.local', port: 8883 },
    { host: '10.0.0.1', port: 443 },
  ]);
});
