import type { CompiledTemplate } from '../../../../plugin/framework';
import { readPackage } from '../../../../protocol/functionPackage';
import { copyOf, type ServiceCopy } from '../../../plugin/support/service';

const NAMES = ['edgeCoreMonitor', 'handleDeviceRequest', 'edgeRemoteExecution'];

const withEngine = (yaml: string): string => yaml.replace(/^edge:\n/m, 'edge:\n  engine: greengrass\n');

describe('a service with engine greengrass', () => {
  let service: ServiceCopy;
  let warnings: string[];
  let template: CompiledTemplate;
  beforeAll(async () => {
    service = await copyOf('greenhouse', withEngine);
    ({ template, warnings } = await service.package());
  });

  const properties = (id: string) => template.Resources[id]?.Properties ?? {};

  it('says what that means', () => {
    const output = warnings.join('\n');
    expect(output).toMatch(/closed Greengrass V1 on 2026-10-07/);
    expect(output).toMatch(/Node 12 at most/);
  });

  it('has the edge system functions as Lambda functions, with their prebuilt bundles', async () => {
    for (const name of NAMES) {
      const id = `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`;
      expect(properties(id)).toMatchObject({ Handler: 'index.handler', Runtime: 'nodejs22.x' });
      const entries = await readPackage(await service.read(`.serverless/${name}.zip`));
      expect(entries.map(({ path }) => path)).toEqual(['index.js']);
    }
  });

  it('tells performDeployment their names and the address of the HTTP API, and what it may do', () => {
    const { Variables = {} } = properties('PerformDeploymentLambdaFunction')['Environment'] as {
      Variables?: Record<string, unknown>;
    };
    expect(Object.keys(JSON.parse(String(Variables['EDGE_GREENGRASS_FUNCTIONS'])) as object)).toEqual(NAMES);
    expect(Variables['EDGE_HTTP_URL']).toEqual({
      'Fn::Sub': ['${Api}/edge/greenhouse-dev', { Api: { 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] } }],
    });
    const role = JSON.stringify(properties('EdgePerformDeploymentRole'));
    for (const action of ['CreateGroupVersion', 'CreateDeployment', 'GetDeploymentStatus']) {
      expect(role).toContain(`greengrass:${action}`);
    }
    expect(role).not.toContain('greengrass:*');
  });

  it('has a role for cores that can be attached to a group', () => {
    expect(properties('EdgeCoreRole')['AssumeRolePolicyDocument']).toMatchObject({
      Statement: [{ Principal: { Service: ['credentials.iot.amazonaws.com', 'greengrass.amazonaws.com'] } }],
    });
  });

  it('wakes performDeployment when a deployment of a group changes its status', () => {
    expect(properties('EdgeDeploymentStatusRule')['EventPattern']).toEqual({
      source: ['aws.greengrass'],
      'detail-type': ['Greengrass Deployment Status Change'],
      detail: { status: ['Success', 'Failure'] },
    });
  });
});

it('refuses a function of the service that has the name of a system function of that engine', async () => {
  const service = await copyOf('greenhouse', (yaml) =>
    withEngine(yaml).replace(
      /^functions:\n/m,
      'functions:\n  edgeCoreMonitor:\n    handler: src/report.handler\n',
    ),
  );
  await expect(service.package()).rejects.toThrow(/functions\.edgeCoreMonitor/);
});

it('with another engine such a function is an ordinary one', async () => {
  const service = await copyOf('greenhouse', (yaml) =>
    yaml.replace(/^functions:\n/m, 'functions:\n  edgeCoreMonitor:\n    handler: src/report.handler\n'),
  );
  const { template } = await service.package();
  const { Resources } = template;
  expect(Resources).toHaveProperty('EdgeCoreMonitorLambdaFunction');
  expect(Resources['EdgeCoreRole']?.Properties?.['AssumeRolePolicyDocument']).toMatchObject({
    Statement: [{ Principal: { Service: 'credentials.iot.amazonaws.com' } }],
  });
  await expect(service.read('.serverless/edgeCoreMonitor.zip')).rejects.toThrow(/ENOENT/);
});
