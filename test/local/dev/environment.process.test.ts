import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IoTClient, ListThingsCommand } from '@aws-sdk/client-iot';
import {
  GreengrassV2Client,
  ListClientDevicesAssociatedWithCoreDeviceCommand,
} from '@aws-sdk/client-greengrassv2';
import {
  packageService,
  startEnvironment,
  type Environment,
  type EnvironmentOptions,
  type PackagedService,
} from '../../../local';
import { projectRoot } from '../../../local/dev/folders';

const SERVICE = `
service: house
plugins: [./plugin.cjs]
provider:
  name: aws
  region: eu-west-1
  runtime: nodejs22.x
  ecr: { images: { picture: { path: . } } }
package: { individually: true, patterns: ['!**', echo.js] }
functions:
  echo: { handler: echo.handler }
  spare: { handler: echo.handler }
  other:
    handler: other.handler
    runtime: python3.13
    layers: [!Ref SharedLambdaLayer]
    environment: { TABLE: !Ref Table }
    events: [{ http: { path: /x, method: get } }]
  picture: { image: { name: picture } }
layers: { shared: { path: layer, package: { patterns: ['**'] } } }
resources: { Resources: { Table: { Type: 'AWS::DynamoDB::Table' } } }
edge:
  groups:
    attic: { devices: [lamp, 'pump-*'], functions: [echo] }
  functions: { echo: {}, spare: {} }
`;

let folder: string;
let service: PackagedService;
let environment: Environment;

const start = (options: Partial<EnvironmentOptions> = {}): Promise<Environment> =>
  startEnvironment({
    serviceDir: folder,
    stateDir: join(folder, 'state'),
    packageDir: service.artifactsDir,
    ...options,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edge-environment-'));
  await writeFile(join(folder, 'serverless.yml'), SERVICE);
  const plugin = join(projectRoot(), 'dist', 'plugin', 'index.cjs');
  await writeFile(join(folder, 'plugin.cjs'), `module.exports = require(${JSON.stringify(plugin)});\n`);
  await writeFile(join(folder, 'echo.js'), 'exports.handler = async (event) => event;\n');
  await mkdir(join(folder, 'layer'));
  await writeFile(join(folder, 'layer', 'shared.txt'), 'shared');
  // Without credentials and without Docker: nothing asks AWS, and no image is built.
  service = await packageService({ serviceDir: folder });
  environment = await start();
});

afterAll(async () => {
  await environment?.close();
  await rm(folder, { recursive: true, force: true });
});

function clientConfig(name: string) {
  const variables = environment.cloud.environment();
  return {
    region: 'eu-west-1',
    endpoint: variables[`AWS_ENDPOINT_URL_${name}`] ?? '',
    credentials: {
      accessKeyId: variables['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  };
}

async function associated(): Promise<string[]> {
  const client = new GreengrassV2Client(clientConfig('GREENGRASSV2'));
  const { associatedClientDevices = [] } = await client.send(
    new ListClientDevicesAssociatedWithCoreDeviceCommand({ coreDeviceThingName: 'house-dev-attic-core' }),
  );
  client.destroy();
  return associatedClientDevices.flatMap(({ thingName }) => thingName ?? []).sort();
}

describe('an environment', () => {
  it('has the group as its operator would have set it up', async () => {
    const attic = environment.groups['attic'];
    expect(attic?.definition).toMatchObject({
      core: { thingName: 'house-dev-attic-core', certificateId: attic?.core.certificateId },
      devices: { lamp: { source: 'operator' } },
      statics: { echo: { version: '1.0.0' } },
    });
    expect(Object.keys(attic?.definition.functions ?? {})).toEqual(['echo@1.0.0']);
    await expect(associated()).resolves.toEqual(['lamp']);
    await expect(environment.deviceCredentials('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves out what no edge needs', () => {
    const types = environment.leftOut.map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(['AWS::DynamoDB::Table', 'AWS::ApiGateway::RestApi', 'AWS::Lambda::Function']),
    );
    expect(environment.notes).toEqual([]);
  });

  it('tells why a package was refused', async () => {
    const broken = environment.registerPackages([{ name: 'broken', bytes: Buffer.from('no zip') }]);
    await expect(broken).rejects.toMatchObject({ code: 'PACKAGE_INVALID' });
  });

  it('adds devices to a group, or lets them wander', async () => {
    const pump = await environment.addDevice('pump-1', 'attic');
    await environment.addDevice('wanderer');
    const definition = await environment.operator.definition(environment.outputs.stateBucket, 'attic');
    expect(definition?.devices['pump-1']).toMatchObject({ certificateId: pump.certificateId });
    expect(definition?.devices['wanderer']).toBeUndefined();
    await expect(associated()).resolves.toEqual(['lamp', 'pump-1']);
    await expect(environment.addDevice('x', 'cellar')).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
  });

  it('starts an edge core that brings the group up, and ends it', async () => {
    const edge = await environment.startEdge('attic', { poolSize: 1 });
    await edge.process.waitFor('reconciled', { where: ({ revision }) => Number(revision) >= 1 });
    expect(edge.port).toBeGreaterThan(0);
    await expect(edge.stop()).resolves.toEqual({ code: 0, signal: null });
  });

  it('is the same after a restart', async () => {
    const before = environment.groups['attic'];
    await environment.close();
    environment = await start();
    const after = environment.groups['attic'];
    expect(after?.core).toEqual(before?.core);
    expect(after?.definition.devices['lamp']).toEqual(before?.definition.devices['lamp']);
    // pump-1 exists now, so the pattern of the group finds it.
    expect(after?.devices.map(({ thingName }) => thingName).sort()).toEqual(['lamp', 'pump-1']);
    const iot = new IoTClient(clientConfig('IOT'));
    const { things = [] } = await iot.send(new ListThingsCommand({}));
    iot.destroy();
    expect(things).toHaveLength(4);
  });

  it('leaves nothing running when a step fails', async () => {
    await environment.close();
    const failing = start({ transform: ({ Outputs }) => Reflect.deleteProperty(Outputs, 'EdgeStateBucket') });
    await expect(failing).rejects.toThrow('EdgeStateBucket');
    // The folder is free again.
    environment = await start();
  });
});

describe('packaging', () => {
  it('gives the last lines of the framework when it fails', async () => {
    const serviceDir = join(folder, 'bad');
    await mkdir(serviceDir);
    await writeFile(join(serviceDir, 'serverless.yml'), 'service: [');
    await expect(packageService({ serviceDir })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(/serverless package failed[^]*serverless\.yml/),
    });
  });
});
