import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { configOf, readPackage } from '../../protocol/functionPackage';
import { packageTemplate, root, type PackagedService } from '../support/packaged';

/** The root service packaged by the framework's own command line. */
describe('sls package', () => {
  let service: PackagedService;
  beforeAll(async () => {
    service = await packageTemplate();
  });

  const read = (name: string): Promise<Buffer> => readFile(path.join(service.directory, 'edge', name));

  it('keeps edge-only functions out of the template and cloud functions in', () => {
    const functions = Object.values(service.template.Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => Properties?.['FunctionName']);
    expect(functions).toContain('edge-demo-dev-trainModel');
    expect(functions).not.toContain('edge-demo-dev-detectAnomaly');
    expect(existsSync(path.join(service.directory, 'detectAnomaly.zip'))).toBe(false);
    expect(Object.keys(service.template.Resources)).not.toContain('DetectAnomalyLogGroup');
  });

  it('writes function packages with edge.json from both sections', async () => {
    const config = configOf(await readPackage(await read('trainModel.package')));
    expect(config).toMatchObject({
      name: 'trainModel',
      memory: 512,
      timeout: 20,
      locations: ['cloud'],
      cloudFunction: 'edge-demo-dev-trainModel',
    });
  });

  it('writes the operator part of each group', async () => {
    const group = JSON.parse((await read('workshop/group.json')).toString()) as unknown;
    expect(group).toMatchObject({
      group: 'workshop',
      core: 'edge-demo-dev-workshop-core',
      statics: [{ function: 'smoothSignal' }],
    });
  });

  it('is reproducible byte for byte', async () => {
    const digest = async (directory: string): Promise<string> =>
      createHash('sha256')
        .update(await readFile(path.join(directory, 'edge', 'detectAnomaly.package')))
        .digest('hex');
    const again = await packageTemplate();
    expect(again.directory).not.toBe(service.directory);
    expect(await digest(again.directory)).toBe(await digest(service.directory));
  });

  it('gives every system function a role of its own with IAM routes and no wildcard that is not explained', () => {
    const resources = service.template.Resources;
    const routes = Object.values(resources).filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route');
    expect(routes).toHaveLength(5);
    for (const route of routes) expect(route.Properties?.['AuthorizationType']).toBe('AWS_IAM');
    const wildcards = Object.entries(resources)
      .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
      .flatMap(([id, { Properties }]) =>
        JSON.stringify(Properties).includes('"Resource":["*"]') ? [id] : [],
      );
    // iot:ListPrincipalThings has no resource type.
    expect(wildcards.sort()).toEqual(['EdgeGetGroupDefinitionRole', 'EdgeHandleDeploymentRequestRole']);
  });

  it('finds its bundles from the root of the project', () => {
    expect(existsSync(path.join(root, 'dist', 'handlers', 'createFunction.zip'))).toBe(true);
  });
});
