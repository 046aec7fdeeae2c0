import path from 'node:path';
import { Command } from '../support/command';
import { processesIn } from '../support/processTree';
import { functionPackageOf, ofType, onLocalCloud, ownFunctions, packageExample } from './support';
import { root, type PackagedService } from '../support/packaged';
import { templateProblems } from '../plugin/support/cloudFormationSchema';

/** An HTTP API with a bucket, as it was, and edge functions beside it. */
describe('examples/existing-service', () => {
  let service: PackagedService;
  beforeAll(async () => {
    service = await packageExample('existing-service');
  });

  it('is right by the schemas of CloudFormation', async () => {
    await expect(templateProblems(service.template)).resolves.toEqual([]);
  });

  const routes = (): Record<string, unknown> =>
    Object.fromEntries(
      Object.values(ofType(service, 'AWS::ApiGatewayV2::Route')).map(({ Properties }) => [
        String(Properties?.['RouteKey']),
        Properties?.['AuthorizationType'] ?? 'NONE',
      ]),
    );

  it('keeps the functions of the service and adds none for edges alone', () => {
    expect(ownFunctions(service)).toEqual([
      'cold-store-dev-latestReadings',
      'cold-store-dev-storeReadings',
      'cold-store-dev-summarise',
    ]);
  });

  it('leaves its routes open and closes those of the edge', () => {
    const { 'POST /summaries': summaries, ...others } = routes();
    expect(summaries).toBe('NONE');
    expect(others['GET /stores/{store}/readings']).toBe('NONE');
    expect(others['POST /stores/{store}/readings']).toBe('NONE');
    const system = Object.entries(others).filter(([key]) => !key.includes('/stores/'));
    expect(system.length).toBeGreaterThan(0);
    for (const [key, type] of system) expect([key, type]).toEqual([key, 'AWS_IAM']);
  });

  it("does not give the edge the service's permissions, nor the service the edge's", () => {
    const { IamRoleLambdaExecution, ...roles } = ofType(service, 'AWS::IAM::Role');
    expect(JSON.stringify(IamRoleLambdaExecution)).toContain('Readings');
    expect(JSON.stringify(IamRoleLambdaExecution)).not.toMatch(/Edge[A-Z]|edge-state/);
    expect(JSON.stringify(roles)).not.toContain('"Readings"');
  });

  it('keeps the resources and outputs of the service', () => {
    expect(service.template.Resources['Readings']?.Type).toBe('AWS::S3::Bucket');
    expect(service.template.Outputs).toHaveProperty('ReadingsBucket');
  });

  it('points a function of both places at the Lambda function of the stack', async () => {
    const { config, files } = await functionPackageOf(service, 'summarise');
    expect(files).toEqual(['src/summarise.js']);
    expect(config).toMatchObject({
      version: '1.0.0',
      memory: 256,
      timeout: 10,
      cloudFunction: 'cold-store-dev-summarise',
      environment: { LOG_LEVEL: 'debug' },
    });
    const { config: edgeOnly } = await functionPackageOf(service, 'detectDoorOpen');
    expect(edgeOnly).toMatchObject({
      pinned: true,
      memory: 128,
      timeout: 2,
      environment: { LOG_LEVEL: 'info' },
    });
  });

  it('deploys what edges need of it, and the routes of the edge want a signature', async () => {
    await onLocalCloud(service, async ({ outputs, groups, leftOut }) => {
      const left = leftOut.map(({ logicalId }) => logicalId);
      expect(left).toEqual(
        expect.arrayContaining(['StoreReadingsLambdaFunction', 'LatestReadingsLambdaFunction']),
      );
      expect(left).not.toContain('SummariseLambdaFunction');
      expect((await fetch(new URL('/stores/north/readings', outputs.httpApiUrl))).status).toBe(404);
      expect((await fetch(`${outputs.httpApiUrl}/groups/hall-1/definition`)).status).toBe(403);
      expect(groups['hall-1']?.definition.statics).toHaveProperty('detectDoorOpen');
    });
  });

  it('passes its own test, which ends by itself and leaves nothing behind', async () => {
    const jest = new Command(
      path.join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      [],
      service.serviceDir,
    );
    try {
      expect({ ...(await jest.exit()), output: jest.output }).toMatchObject({ code: 0 });
      expect(jest.output).toMatch(/^Tests: +5 passed, 5 total$/m);
      expect(jest.leftBehind.filter((name) => !name.startsWith('jest_'))).toEqual([]);
      expect(await processesIn(jest.temporary)).toEqual([]);
    } finally {
      await jest.destroy();
    }
  });
});
