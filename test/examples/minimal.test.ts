import { functionPackageOf, groupOf, ofType, onLocalCloud, ownFunctions, packageExample } from './support';
import type { PackagedService } from '../support/packaged';
import { templateProblems } from '../plugin/support/cloudFormationSchema';

/** One function in plain JavaScript, packaged by the framework alone. */
describe('examples/minimal', () => {
  let service: PackagedService;
  beforeAll(async () => {
    service = await packageExample('minimal');
  });

  it('is right by the schemas of CloudFormation', async () => {
    await expect(templateProblems(service.template)).resolves.toEqual([]);
  });

  it('makes no Lambda function, log group or route of its own for a function on edges', () => {
    expect(ownFunctions(service)).toEqual([]);
    expect(Object.keys(ofType(service, 'AWS::Logs::LogGroup')).join()).not.toMatch(/DetectFrost/);
  });

  it('has all that a service needs for edges', () => {
    const named = Object.values(ofType(service, 'AWS::Lambda::Function')).map(({ Properties }) =>
      String(Properties?.['FunctionName']).replace('greenhouse-dev-', ''),
    );
    expect(named).toEqual(
      expect.arrayContaining([
        'createFunction',
        'validateFunction',
        'handleDeploymentRequest',
        'performDeployment',
        'getGroupDefinition',
        'cloudRemoteExecution',
      ]),
    );
    expect(Object.keys(service.template.Outputs ?? {})).toEqual(
      expect.arrayContaining(['EdgeFunctionsBucket', 'EdgeStateBucket', 'EdgeHttpApiUrl']),
    );
  });

  it('packages the one file, with the defaults of the framework in edge.json', async () => {
    const { config, files } = await functionPackageOf(service, 'detectFrost');
    expect(files).toEqual(['detectFrost.js']);
    expect(config).toMatchObject({ handler: 'detectFrost.handler', locations: ['edge'], devices: ['*'] });
  });

  it('names the core after the service, the stage and the group', async () => {
    expect(await groupOf(service, 'greenhouse')).toMatchObject({
      core: 'greenhouse-dev-greenhouse-core',
      devices: ['thermometer-1'],
      statics: [],
    });
  });

  it('deploys', async () => {
    await onLocalCloud(service, async ({ operator, outputs, groups }) => {
      const index = await operator.functionIndex(outputs.stateBucket, 'detectFrost');
      expect(index?.latest).toBe('1.0.0');
      expect(Object.keys(groups['greenhouse']?.definition.devices ?? {})).toEqual(['thermometer-1']);
    });
  });
});
