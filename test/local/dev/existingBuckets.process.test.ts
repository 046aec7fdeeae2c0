import { rm } from 'node:fs/promises';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../../support/environment';
import { packageTemplate } from '../../support/packaged';

/** A service that uses buckets which exist already, as `sls edge dev` runs it. */
const MINUTE = 60_000;

let environment: TestEnvironment;
let serviceDir: string;

beforeAll(async () => {
  const service = await packageTemplate((yaml) =>
    yaml.replace(
      '\nedge:\n',
      '\nedge:\n  buckets:\n    functions: { existing: company-packages }\n    state: { existing: company-state }\n',
    ),
  );
  serviceDir = service.serviceDir;
  expect(Object.values(service.template.Resources).map(({ Type }) => Type)).toContain('Custom::S3');
  environment = await startTestEnvironment({ serviceDir, packageDir: service.directory });
}, MINUTE);

afterAll(async () => {
  await environment?.close();
  if (serviceDir !== undefined) await rm(serviceDir, { recursive: true, force: true });
});

it(
  'registers packages and brings a function on demand by the events of those buckets',
  async () => {
    expect(environment.outputs).toMatchObject({
      functionsBucket: 'company-packages',
      stateBucket: 'company-state',
    });
    const edge = await environment.startEdge(GROUP);
    await edge.process.waitFor('ready');
    const device = await environment.connectDevice('sensor-1');
    await expect(device.deploy('detectAnomaly')).resolves.toMatchObject({ version: '1.2.0' });
    const verdict = await device.invoke('detectAnomaly', { samples: [20, 20.1, 19.9, 20, 35] });
    expect(verdict).toMatchObject({ anomalies: [{ value: 35 }] });
  },
  MINUTE,
);
