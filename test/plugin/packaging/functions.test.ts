import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkPackage } from '../../../handlers/createFunction/checkPackage';
import { readDeployManifest } from '../../../operations/packages/deployManifest';
import { zipEntries } from '../../../operations/packages/zipEntries';
import { withLayers } from '../../../plugin/packaging/layers';
import { readPackage, type PackageEntry } from '../../../protocol/functionPackage';
import { frameworkWith } from '../support/framework';
import { copyOf, type ServiceCopy } from '../support/service';

/** Adds to `functions:` and to `edge.functions:` of the fixture. */
function withFunctions(functions: string, edge: string, more = '') {
  return (yaml: string): string =>
    yaml
      .replace('functions:\n', `functions:\n${functions}`)
      .replace('  functions:\n    readMeter:\n', `  functions:\n${edge}    readMeter:\n`)
      .concat(more);
}

const packageOf = (service: ServiceCopy, name: string): Promise<Buffer> =>
  service.read(`.serverless/edge/${name}.package`);

const IMAGE = `111111111111.dkr.ecr.eu-west-1.amazonaws.com/scan@sha256:${'a'.repeat(64)}`;

describe('a function that runs in the cloud alone', () => {
  let service: ServiceCopy;
  beforeAll(async () => {
    service = await copyOf(
      'greenhouse',
      withFunctions(
        `  train: { handler: src/train.handler, runtime: python3.13 }\n  scan: { image: '${IMAGE}' }\n`,
        '    train: { locations: [cloud] }\n    scan: { locations: [cloud] }\n',
      ),
    );
    await writeFile(path.join(service.dir, 'src', 'train.py'), 'def handler(event, context): return 1\n');
    await service.package();
  }, 60_000);

  it.each(['train', 'scan'])('may be anything that Lambda runs: %s', async (name) => {
    const { config } = await checkPackage(await packageOf(service, name));
    expect(config).toMatchObject({ name, locations: ['cloud'], cloudFunction: `greenhouse-dev-${name}` });
  });

  it('has a package that changes with its code, and holds none of it', async () => {
    const digest = async (): Promise<string | undefined> => {
      const { packages } = await readDeployManifest(path.join(service.dir, '.serverless', 'edge'));
      return packages.find(({ name }) => name === 'train')?.digest;
    };
    const before = await digest();
    const entries = await readPackage(await packageOf(service, 'train'));
    expect(entries.map((entry) => entry.path)).toEqual(['code.txt', 'edge.json']);
    await writeFile(path.join(service.dir, 'src', 'train.py'), 'def handler(event, context): return 2\n');
    await service.package();
    expect(await digest()).not.toBe(before);
  }, 60_000);
});

describe('a function on an edge', () => {
  it('is refused with another runtime, and as an image', async () => {
    const service = await copyOf(
      'greenhouse',
      withFunctions(
        `  train: { handler: src/train.handler, runtime: python3.13 }\n  scan: { image: '${IMAGE}' }\n`,
        '    train: {}\n    scan: { locations: [edge, cloud] }\n',
      ),
    );
    await expect(service.package()).rejects.toThrow(
      'functions.train.runtime: found "python3.13", expected a runtime of Node.js: an edge runs no other\n' +
        'functions.scan.image: found a container image, expected a handler: images do not run on an edge',
    );
  }, 60_000);

  it('may have an older Node.js, and a handler that begins with "./"', async () => {
    const service = await copyOf(
      'greenhouse',
      withFunctions(
        '  meter: { handler: ./src/readMeter.handler, runtime: nodejs20.x }\n',
        '    meter: {}\n',
      ),
    );
    await service.package();
    const { config } = await checkPackage(await packageOf(service, 'meter'));
    expect(config).toMatchObject({ handler: 'src/readMeter.handler' });
  }, 60_000);

  it.each(['#{AWS::Region}', '#{Jobs.Arn}', 'arn:aws:sqs:${AWS::Region}:1:jobs'])(
    'is refused with %s in its environment, which only a stack understands',
    async (value) => {
      const service = await copyOf(
        'greenhouse',
        withFunctions(
          `  meter: { handler: src/readMeter.handler, environment: { WHERE: '${value}' } }\n`,
          '    meter: {}\n',
        ),
      );
      await expect(service.package()).rejects.toThrow(
        'functions.meter.environment.WHERE: found a CloudFormation reference, which an edge cannot resolve',
      );
    },
    60_000,
  );

  it("brings the modules of the service's own layers, and its own first", async () => {
    const framework = frameworkWith({});
    framework.serviceDir = await mkdtemp(path.join(tmpdir(), 'edge-layers-'));
    framework.service.layers = { tools: { path: 'tools' }, newer: { package: { artifact: 'newer.zip' } } };
    framework.service.provider.layers = [{ Ref: 'ToolsLambdaLayer' }, 'arn:aws:lambda:eu-west-1:1:layer:x:1'];
    Object.assign(framework.service.functions['forecast'] ?? {}, {
      layers: [{ Ref: 'ToolsLambdaLayer' }, { Ref: 'NewerLambdaLayer' }],
    });
    const entry = (name: string, text: string): PackageEntry => ({
      path: name,
      content: Buffer.from(text),
      executable: false,
    });
    const write = async (file: string, entries: PackageEntry[]): Promise<void> => {
      const target = path.join(framework.serviceDir, file);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, await zipEntries(entries));
    };
    await write('.serverless/tools.zip', [
      entry('nodejs/node_modules/units/index.js', 'of tools'),
      entry('nodejs/node22/node_modules/own/index.js', 'of tools'),
      entry('bin/tool', 'not a module'),
    ]);
    await write('newer.zip', [entry('nodejs/node_modules/units/index.js', 'newer')]);
    const merged = async (name: string): Promise<Record<string, string>> => {
      const own = [entry('index.js', 'own'), entry('node_modules/own/index.js', 'own')];
      const entries = await withLayers(name, own, framework);
      return Object.fromEntries(entries.map((each) => [each.path, each.content.toString()]));
    };
    const own = { 'index.js': 'own', 'node_modules/own/index.js': 'own' };
    expect(await merged('readMeter')).toEqual({ ...own, 'node_modules/units/index.js': 'of tools' });
    expect(await merged('forecast')).toEqual({ ...own, 'node_modules/units/index.js': 'newer' });
  });
});

it('a plugin without a section says so, and adds nothing', async () => {
  const service = await copyOf('greenhouse', (yaml) => yaml.replace(/^edge:\n[\s\S]*/m, ''));
  const { template, warnings } = await service.package();
  expect(warnings).toEqual([expect.stringContaining('has no "edge" section: it adds nothing')]);
  expect(Object.keys(template.Resources).filter((id) => /^Edge|CreateFunction/.test(id))).toEqual([]);
  expect(Object.keys(template.Resources)).toContain('ReadMeterLambdaFunction');
}, 60_000);
