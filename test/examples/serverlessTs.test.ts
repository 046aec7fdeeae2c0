import { functionPackageOf, groupOf, ofType, onLocalCloud, ownFunctions, packageExample } from './support';
import type { PackagedService } from '../support/packaged';
import { templateProblems } from '../plugin/support/cloudFormationSchema';

/** The configuration is a TypeScript module. */
describe('examples/serverless-ts', () => {
  let service: PackagedService;
  beforeAll(async () => {
    service = await packageExample('serverless-ts');
  });

  it('is right by the schemas of CloudFormation', async () => {
    await expect(templateProblems(service.template)).resolves.toEqual([]);
  });

  it('reads the section as from YAML', async () => {
    expect(await groupOf(service, 'ridge')).toMatchObject({
      core: 'ridge-hut',
      devices: ['turbine-1', 'turbine-2', 'turbine-3'],
      statics: [{ function: 'detectVibration' }],
    });
    expect((await functionPackageOf(service, 'detectVibration')).config).toMatchObject({
      version: '1.0.0',
      devices: ['turbine-1', 'turbine-2', 'turbine-3'],
      instances: 4,
      memory: 192,
      environment: { LIMIT: '7.1' },
    });
  });

  it('gives the prefix of device topics to the functions and the outputs', () => {
    expect(service.template.Outputs?.['EdgeDevicePrefix']?.Value).toBe('wind');
    expect(JSON.stringify(ofType(service, 'AWS::Lambda::Function'))).toContain('"EDGE_DEVICE_PREFIX":"wind"');
  });

  it('lets the edge invoke the cloud function, by its name', async () => {
    expect(ownFunctions(service)).toEqual(['wind-park-dev-forecastYield']);
    const role = service.template.Resources['EdgeCloudRemoteExecutionRole'];
    expect(JSON.stringify(role)).toContain('function:wind-park-dev-forecastYield');
    const { config } = await functionPackageOf(service, 'forecastYield');
    expect(config).toMatchObject({ locations: ['cloud'], timeout: 20 });
  });

  it('deploys', async () => {
    await onLocalCloud(service, async ({ operator, outputs, groups }) => {
      const index = await operator.functionIndex(outputs.stateBucket, 'forecastYield');
      const [entry] = Object.values(index?.versions ?? {});
      expect(entry?.manifest.cloud?.functionArn).toContain(':function:wind-park-dev-forecastYield');
      expect(Object.keys(groups['ridge']?.definition.devices ?? {})).toHaveLength(3);
    });
  });
});
