import { createRequire } from 'node:module';
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheFolder } from '../../../local/dev/cacheFolder';
import { linkRuntimeModules } from '../../../local/dev/runtimeModules';
import { bundlingAdvice } from '../../../runtime/process/missingModule';

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'edge-cache-')));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const warnings: string[] = [];
const cacheOf = (stage: string) =>
  cacheFolder({ serviceDir: folder, stage }, (text) => warnings.push(text), {
    EDGE_CACHE_DIR: path.join(folder, 'cache'),
  });

describe('where functions are unpacked', () => {
  it('is one folder of a service and stage, always the same, for its owner alone', async () => {
    const dev = await cacheOf('dev');
    await expect(cacheOf('dev')).resolves.toBe(dev);
    await expect(cacheOf('test')).resolves.not.toBe(dev);
    expect((await stat(dev)).mode & 0o777).toBe(0o700);
    expect(path.dirname(dev)).toBe(path.join(folder, 'cache'));
  });

  it('is said to be kinder than a node where Node finds modules that a package lacks', async () => {
    await cacheOf('dev');
    expect(warnings).toEqual([]);
    await mkdir(path.join(folder, 'node_modules'));
    await cacheOf('dev');
    expect(warnings).toEqual([
      expect.stringMatching(/node_modules, which a node does not have.*EDGE_CACHE_DIR/),
    ]);
  });

  it('is refused where it cannot be made', async () => {
    await writeFile(path.join(folder, 'cache'), '');
    await expect(cacheOf('dev')).rejects.toMatchObject({
      code: 'CONFLICT',
      expected: expect.stringContaining('EDGE_CACHE_DIR'),
    });
  });

  it('has the AWS SDK of the service for functions in the cloud, and nothing else', async () => {
    const installed = async (name: string): Promise<void> => {
      const modules = path.join(folder, 'service', 'node_modules', name);
      await mkdir(modules, { recursive: true });
      await writeFile(path.join(modules, 'index.js'), `module.exports = '${name}';`);
    };
    await Promise.all(['@aws-sdk/client-s3', 'left-pad'].map(installed));
    const lambda = path.join(folder, 'cache', 'lambda');
    await linkRuntimeModules(lambda, path.join(folder, 'service'));
    await linkRuntimeModules(lambda, path.join(folder, 'service'));
    const load = createRequire(path.join(lambda, 'code', 'abc', 'index.js'));
    expect(load('@aws-sdk/client-s3')).toBe('@aws-sdk/client-s3');
    expect(() => load('left-pad') as unknown).toThrow('left-pad');
  });
});

describe('advice for a module that a package lacks', () => {
  const thrownBy = (load: () => unknown): unknown => {
    try {
      return load();
    } catch (error) {
      return error;
    }
  };
  const missing = (name: string) => thrownBy(() => createRequire(path.join(folder, 'index.js'))(name));

  it('names what is to be bundled', () => {
    expect(bundlingAdvice(missing('left-pad/lib/pad'))).toMatch(
      /^"left-pad" is not in the package of the function: bundle .*"node_modules\/left-pad\/\*\*"/,
    );
    expect(bundlingAdvice(missing('@acme/probe'))).toMatch(/^"@acme\/probe" is not/);
    expect(bundlingAdvice(missing('@aws-sdk/client-none'))).toMatch(
      /npm install --save-dev @aws-sdk\/client-none/,
    );
  });

  it('knows the words of ES modules', () => {
    const message = "Cannot find package 'left-pad' imported from /f/index.mjs";
    const error = Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });
    expect(bundlingAdvice(error)).toMatch(/^"left-pad"/);
  });

  it('says nothing of files of the package, and of other errors', () => {
    expect(bundlingAdvice(missing('./lib'))).toBeUndefined();
    expect(bundlingAdvice(new Error("Cannot find module 'x'"))).toBeUndefined();
    expect(bundlingAdvice(undefined)).toBeUndefined();
  });
});
