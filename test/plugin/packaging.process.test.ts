import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  deployManifestSchema,
  readDeployManifest,
  readPackagedFunction,
} from '../../operations/packages/deployManifest';
import { readGroupFiles } from '../../operations/groups/groupFiles';
import { configOf, readPackage } from '../../protocol/functionPackage';
import { copyOf, type ServiceCopy } from './support/service';

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The framework's default packaging: one artifact for all, beside a prebuilt one. */
describe('a service that the framework packages', () => {
  let service: ServiceCopy;
  let output: string;

  beforeAll(async () => {
    service = await copyOf('greenhouse');
    await mkdir(path.join(service.dir, '.edge', 'things'), { recursive: true });
    await writeFile(path.join(service.dir, '.edge', 'things', 'private.key'), 'secret');
    output = await service.sls('package');
  });

  const edgePackage = async (name: string) =>
    readPackage(await service.read(`.serverless/edge/${name}.package`));

  it('gets function packages with edge.json from both sections', async () => {
    expect(configOf(await edgePackage('readMeter'))).toMatchObject({
      name: 'readMeter',
      handler: 'src/readMeter.handler',
      memory: 256,
      locations: ['edge'],
      environment: { UNIT: 'celsius', SAMPLES: '12' },
      publishes: ['alerts/+'],
      invokes: ['forecast'],
    });
    expect(configOf(await edgePackage('forecast'))).toMatchObject({
      locations: ['edge', 'cloud'],
      cloudFunction: 'greenhouse-forecaster-dev',
      environment: { UNIT: 'kelvin' },
    });
  });

  it('puts its own edge.json into a prebuilt artifact, and leaves the artifact alone', async () => {
    const entries = await edgePackage('openVents');
    expect(entries.map((entry) => entry.path)).toEqual(['edge.json', 'index.js']);
    expect(configOf(entries)).toMatchObject({ name: 'openVents', version: '2.0.0', pinned: true });
    const artifact = await readPackage(await service.read('prebuilt.zip'));
    expect(artifact.find((entry) => entry.path === 'edge.json')?.content.toString()).toContain('someoneElse');
  });

  it('never packages the state of sls edge dev', async () => {
    const entries = await edgePackage('readMeter');
    expect(entries.map((entry) => entry.path)).toEqual([
      'edge.json',
      'src/forecast.js',
      'src/readMeter.js',
      'src/report.js',
    ]);
  });

  it('has nothing of edge-only functions in the template', async () => {
    const { Resources, Outputs = {} } = await service.template();
    expect(Object.keys({ ...Resources, ...Outputs }).filter((id) => /readMeter|openVents/i.test(id))).toEqual(
      [],
    );
    expect(Object.keys(Resources)).toEqual(
      expect.arrayContaining(['ForecastLambdaFunction', 'ReportLambdaFunction', 'ReportLogGroup']),
    );
    const state = await service.json<{ service: { functions: object } }>('.serverless/serverless-state.json');
    expect(Object.keys(state.service.functions)).not.toContain('readMeter');
  });

  it('shows edge-only functions to bundlers alone, system functions to nobody, and keeps what others add', async () => {
    const seen = await service.json<Record<string, string[]>>('watched.json');
    expect(Object.values(seen).flat()).not.toContain('createFunction');
    const edgeOnly = (event: string) => seen[event]?.filter((name) => /^(readMeter|openVents)$/.test(name));
    expect(edgeOnly('before:package:createDeploymentArtifacts')).toEqual(['readMeter', 'openVents']);
    for (const event of Object.keys(seen).filter((name) => !name.includes('createDeploymentArtifacts'))) {
      expect([event, edgeOnly(event)]).toEqual([event, []]);
    }
    expect(seen['before:package:finalize']).toContain('addedMeanwhile');
  });

  it('is warned of events that nothing will trigger', () => {
    expect(output).toMatch(/events of readMeter: without effect on an edge/);
  });

  it('gets a manifest and group files for the step after the stack', async () => {
    const directory = path.join(service.dir, '.serverless', 'edge');
    const manifest = await readDeployManifest(directory);
    expect(manifest).toMatchObject({
      service: 'greenhouse',
      stage: 'dev',
      engine: { name: 'direct' },
      groups: ['north', 'south'],
    });
    expect(manifest.cloudFunctions).toEqual(
      expect.arrayContaining(['ForecastLambdaFunction', 'ValidateFunctionLambdaFunction']),
    );
    expect(manifest.cloudFunctions).not.toContain('ReadMeterLambdaFunction');
    const packages = manifest.packages.map(({ name, version, locations }) => ({ name, version, locations }));
    expect(packages).toEqual([
      { name: 'forecast', version: undefined, locations: ['edge', 'cloud'] },
      { name: 'openVents', version: '2.0.0', locations: ['edge'] },
      { name: 'readMeter', version: undefined, locations: ['edge'] },
    ]);
    for (const each of manifest.packages) {
      await expect(readPackagedFunction(directory, each)).resolves.toHaveLength(each.size);
    }
    expect((await readGroupFiles(directory)).sort((a, b) => (a.group < b.group ? -1 : 1))).toEqual([
      {
        group: 'north',
        core: 'greenhouse-dev-north-core',
        devices: ['sensor-1', 'vent-*'],
        statics: [{ function: 'readMeter' }, { function: 'openVents', version: '^2' }],
        limits: { storage: 1024, memory: 1024, instances: 64 },
        logs: { level: 'warn' },
        thingGroup: 'greenhouse-dev-north',
      },
      {
        group: 'south',
        core: 'greenhouse-dev-south-core',
        devices: ['sensor-2'],
        statics: [],
        limits: { storage: 1024, memory: 1024, instances: 64 },
        logs: { level: 'warn' },
      },
    ]);
  });

  it('is refused where a package is not the one of the manifest any more', async () => {
    const directory = path.join(service.dir, '.serverless', 'edge');
    await expect(
      readPackagedFunction(directory, { name: 'forecast', digest: '0'.repeat(64) }),
    ).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it('invokes an edge-only function locally', async () => {
    const result = await service.sls('invoke', 'local', '-f', 'readMeter', '-d', '{"litres":3}');
    expect(JSON.parse(result)).toEqual({ function: 'readMeter', event: { litres: 3 } });
  });

  it('shows serverless-offline the functions of the service alone', async () => {
    await service.sls('offline', 'start');
    const events = await service.json<Record<string, unknown[]>>('offline.json');
    expect(Object.keys(events)).toEqual(['readMeter', 'forecast', 'openVents', 'report']);
  });
});

describe('packages of the same service', () => {
  const digests = async (service: ServiceCopy, directory: string) => {
    const { packages } = deployManifestSchema.parse(await service.json(`${directory}/edge/manifest.json`));
    const bytes = await Promise.all(
      packages.map(({ name }) => service.read(`${directory}/edge/${name}.package`)),
    );
    expect(bytes.map(digestOf)).toEqual(packages.map(({ digest }) => digest));
    return packages.map(({ digest }) => digest);
  };

  it('are the same byte for byte, in another folder, with --package, on another day', async () => {
    const [one, other] = await Promise.all([copyOf('greenhouse'), copyOf('greenhouse')]);
    await one.sls('package');
    await other.sls('package', '--package', 'out');
    expect(existsSync(path.join(other.dir, '.serverless'))).toBe(false);
    expect(await digests(other, 'out')).toEqual(await digests(one, '.serverless'));
  });

  it('hold one function each where the service packages individually', async () => {
    const service = await copyOf('greenhouse', (yaml) =>
      yaml
        .replace('package:\n  patterns:', 'package:\n  individually: true\n  patterns:')
        .replace(
          '    handler: src/readMeter.handler',
          "    handler: src/readMeter.handler\n    package: { patterns: ['!src/**', src/readMeter.js] }",
        ),
    );
    await service.package();
    const entries = await readPackage(await service.read('.serverless/edge/readMeter.package'));
    expect(entries.map((entry) => entry.path)).toEqual(['edge.json', 'src/readMeter.js']);
    // The artifact of the framework: nothing of the stack needs it.
    expect(existsSync(path.join(service.dir, '.serverless', 'readMeter.zip'))).toBe(false);
    expect(existsSync(path.join(service.dir, '.serverless', 'forecast.zip'))).toBe(true);
    expect(existsSync(path.join(service.dir, 'prebuilt.zip'))).toBe(true);
  });

  it('come from the artifact of the whole service where that is prebuilt', async () => {
    const service = await copyOf('greenhouse', (yaml) =>
      yaml
        .replace(/package:\n {2}patterns:.*\n/, 'package:\n  artifact: prebuilt.zip\n')
        .replace(/handler: src\/\w+\.handler/g, 'handler: index.handler'),
    );
    await service.package();
    const entries = await readPackage(await service.read('.serverless/edge/readMeter.package'));
    expect(entries.map((entry) => entry.path)).toEqual(['edge.json', 'index.js']);
    expect(await readFile(path.join(service.dir, 'prebuilt.zip'))).not.toHaveLength(0);
  });

  it('leave references to the stack to Lambda where the function runs in the cloud alone', async () => {
    const edit = (locations: string) => (yaml: string) =>
      yaml
        .replace(
          '    handler: src/report.handler',
          '    handler: src/report.handler\n    environment: { TABLE: { Ref: ServerlessDeploymentBucket } }',
        )
        .replace(
          '  functions:\n    readMeter:',
          `  functions:\n    report: { locations: ${locations} }\n    readMeter:`,
        );
    const service = await copyOf('greenhouse', edit('[cloud]'));
    const { template } = await service.package();
    const config = configOf(await readPackage(await service.read('.serverless/edge/report.package')));
    expect(config).toMatchObject({
      locations: ['cloud'],
      cloudFunction: 'greenhouse-dev-report',
      environment: {},
    });
    expect(template.Resources['ReportLambdaFunction']?.Properties?.['Environment']).toMatchObject({
      Variables: { TABLE: { Ref: 'ServerlessDeploymentBucket' }, UNIT: 'celsius' },
    });

    const both = await copyOf('greenhouse', edit('[edge, cloud]'));
    await expect(both.package()).rejects.toThrow(
      'functions.report.environment.TABLE: found a CloudFormation reference, which an edge cannot resolve, ' +
        'expected a literal, or one for the edge in edge.functions.report.environment.TABLE',
    );
  });

  it.each([
    [
      'a handler that nobody has compiled',
      (yaml: string) => yaml.replace('src/readMeter.handler', 'src/openVents.handler'),
      'functions.readMeter: the package has none of src/openVents.js, src/openVents.mjs, src/openVents.cjs ' +
        'but src/openVents.ts, which a bundler such as serverless-esbuild must compile',
    ],
    [
      'an artifact that lies elsewhere',
      (yaml: string) => yaml.replace('artifact: prebuilt.zip', 'artifact: s3://bucket/prebuilt.zip'),
      'functions.openVents.package.artifact: found "s3://bucket/prebuilt.zip", expected a file here',
    ],
    [
      'an artifact that is no zip file',
      (yaml: string) => yaml.replace('artifact: prebuilt.zip', 'artifact: watcher.cjs'),
      'functions.openVents: not a readable zip file',
    ],
  ])(
    'are refused for %s',
    async (_what, edit, expected) => {
      const service = await copyOf('greenhouse', edit);
      await writeFile(path.join(service.dir, 'src', 'openVents.ts'), 'export const handler = () => 1;\n');
      await expect(service.package()).rejects.toThrow(expected);
    },
    60_000,
  );
});
