import { functionPackageOf, groupOf, ofType, onLocalCloud, ownFunctions, packageExample } from './support';
import type { PackagedService } from '../support/packaged';
import { templateProblems } from '../plugin/support/cloudFormationSchema';

/** Three edges that share functions. */
describe('examples/several-groups', () => {
  let service: PackagedService;
  beforeAll(async () => {
    service = await packageExample('several-groups');
  });

  it('is right by the schemas of CloudFormation', async () => {
    await expect(templateProblems(service.template)).resolves.toEqual([]);
  });

  it('writes a group file for each, with the limits of each', async () => {
    expect(await groupOf(service, 'berlin')).toMatchObject({
      core: 'bakery-berlin',
      statics: [{ function: 'bakingCurve' }, { function: 'doughRise' }],
      limits: { storage: 1024, memory: 1024, instances: 64 },
    });
    expect(await groupOf(service, 'lyon')).toMatchObject({
      statics: [{ function: 'bakingCurve' }],
      limits: { storage: 256, memory: 512, instances: 16 },
    });
    expect(await groupOf(service, 'porto')).toMatchObject({ devices: ['porto-*'], statics: [] });
  });

  it('has one set of system functions and buckets, however many groups there are', () => {
    expect(ownFunctions(service)).toEqual(['bakeries-dev-planShift']);
    const names = Object.values(ofType(service, 'AWS::Lambda::Function')).map(
      ({ Properties }) => Properties?.['FunctionName'],
    );
    expect(names.filter((name) => String(name).endsWith('performDeployment'))).toHaveLength(1);
    expect(
      Object.keys(ofType(service, 'AWS::S3::Bucket')).filter((id) => id.startsWith('Edge')),
    ).toHaveLength(2);
  });

  it('ties no policy to a group: a core is who its certificate says', () => {
    const policies = JSON.stringify(ofType(service, 'AWS::IoT::Policy'));
    expect(policies).toContain('iot:Connection.Thing.ThingName');
    expect(policies).not.toMatch(/berlin|lyon|porto/);
  });

  it('keeps who may use a function with the function', async () => {
    expect((await functionPackageOf(service, 'bakingCurve')).config).toMatchObject({
      version: '2.1.0',
      devices: ['*-oven-*'],
    });
    expect((await functionPackageOf(service, 'planShift')).config).toMatchObject({ locations: ['cloud'] });
  });

  it('deploys each group with what it preloads', async () => {
    await onLocalCloud(service, async ({ groups }) => {
      const preloaded = Object.fromEntries(
        Object.entries(groups).map(([group, { definition }]) => [
          group,
          Object.keys(definition.statics).sort(),
        ]),
      );
      expect(preloaded).toEqual({
        berlin: ['bakingCurve', 'doughRise'],
        lyon: ['bakingCurve'],
        porto: [],
      });
      expect(groups['porto']?.definition.devices).toEqual({});
    });
  });
});
