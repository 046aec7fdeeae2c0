import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../support/packaged';
import { deadLinks, describeWithRegistry, outside, pack, run, type Packed } from './support';
import { Walkthrough } from './walkthrough';

/** All that may be in the tarball: built code, bundles, types and schemas. */
const ALLOWED = [
  /^dist\/plugin\/index\.cjs$/,
  /^dist\/edge\/(core|functionProcess|componentHost)\.cjs$/,
  /^dist\/edge\/greengrassV2\/core\.cjs$/,
  /^dist\/edge\/greengrass\/[a-zA-Z]+\.zip$/,
  /^dist\/local\/(index|nucleus|device)\.cjs$/,
  /^dist\/handlers\/[a-zA-Z]+\.zip$/,
  /^dist\/types\/(index|local)\.d\.cts$/,
  /^dist\/(edge\/)?THIRD_PARTY_NOTICES\.txt$/,
  /^docs\/schemas\/[a-z-]+\.schema\.json$/,
  /^docs\/(\w+\/)?[\w-]+\.(md|json)$/,
  /^examples\/[\w-]+\/(?!node_modules\/|build\/|\.)([\w-]+\/)*[\w.-]+$/,
  /^(bench|device|examples)\/README\.md$/,
  /^(LICENSE|(README|CONTRIBUTING|CHANGELOG)\.md|package\.json)$/,
];
const LARGEST = 5_000_000;
const STRICT = '--noEmit --strict --target es2022 --module nodenext'.split(' ');
const LOCAL = `import { startLocalService, type LocalDevice } from 'serverless-edge-on-demand/local';
const service = await startLocalService({ serviceDir: 'greenhouse' });
const edge = await service.startEdge();
const device: LocalDevice = await service.connectDevice('thermometer-1');
service.uplink.slow(100);
const { version } = await device.deploy('detectFrost', { timeout: 1000 });
export const ended = { version, exit: await edge.kill() };
`;
const OFF = { SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' };

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
});

/** The tarball that npm would publish. */
describe('the published plugin', () => {
  it('holds nothing but what a service needs', () => {
    const others = packed.files.filter((file) => !ALLOWED.some((pattern) => pattern.test(file)));
    expect(others).toEqual([]);
    for (const pattern of ALLOWED) expect(packed.files.filter((file) => pattern.test(file))).not.toEqual([]);
  });

  it('has pages whose links lead somewhere', async () => {
    expect(await deadLinks(packed)).toEqual([]);
  });

  it('names the packages that are in its bundles', async () => {
    const [all, ofNodes] = await Promise.all(
      ['dist', 'dist/edge'].map((folder) =>
        readFile(path.join(root, folder, 'THIRD_PARTY_NOTICES.txt'), 'utf8'),
      ),
    );
    expect(all).toMatch(/^@middy\/core \d\S+ \(MIT\)$/m);
    for (const text of [all, ofNodes]) expect(text).toMatch(/^zod \d\S+ \(MIT\)$/m);
    expect(ofNodes).not.toContain('@middy/core');
  });

  it('is small', () => {
    expect(packed.size).toBeLessThan(LARGEST);
  });
});

/** A new user in an empty folder, who has the page and nothing else of this project. */
describeWithRegistry('docs/getting-started.md, followed with the published packages', () => {
  let reader: Walkthrough;
  let service: string;
  beforeAll(async () => {
    const device = await pack('device');
    reader = new Walkthrough('docs/getting-started.md', await outside('outside-service'), {
      'serverless-edge-on-demand': packed.file,
      'serverless-edge-on-demand-device': device.file,
    });
    await reader.follow('1 A service');
    service = reader.folder;
  });
  afterAll(() => reader?.end());

  test.each(['2 On an edge', '3 Change it', '4 What it prints, and what it throws', '5 A device program'])(
    '%s',
    (heading) => reader.follow(heading),
  );

  test('Ctrl-C ends it', () => reader.end());

  const write = (file: string, text: string): Promise<void> => writeFile(path.join(service, file), text);

  it('brings no other package with it', async () => {
    const folder = path.join(service, 'node_modules', 'serverless-edge-on-demand');
    const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as object;
    expect(manifest).not.toHaveProperty('dependencies');
    expect(await readdir(folder)).not.toContain('node_modules');
  });

  it('is a class, for require and import', async () => {
    const script = `import fromImport from 'serverless-edge-on-demand'; import { createRequire } from 'node:module';
      const required = createRequire(import.meta.url)('serverless-edge-on-demand');
      console.log(required === fromImport, typeof required, /^class/.test(String(required)));`;
    const printed = await run(process.execPath, ['--input-type=module', '-e', script], service);
    expect(printed.trim()).toBe('true function true');
  });

  it('types the section of a serverless.ts, and the entry for tests', async () => {
    const source = await readFile(path.join(root, 'examples', 'serverless-ts', 'serverless.ts'), 'utf8');
    await write('commonjs.d.ts', 'declare const module: { exports: unknown };\n');
    await write('right.ts', source);
    await write('wrong.ts', source.replace("prefix: 'wind'", 'prefix: 7'));
    const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const check = (file: string): Promise<string> =>
      run(process.execPath, [tsc, ...STRICT, 'commonjs.d.ts', file], service);
    await check('right.ts');
    await write('local.mts', LOCAL);
    await check('local.mts');
    await write('wrong.mts', LOCAL.replace('slow(100)', "slow('a lot')"));
    await expect(check('wrong.mts')).rejects.toThrow("Argument of type 'string' is not assignable");
    await expect(check('wrong.ts')).rejects.toThrow("Type 'number' is not assignable to type 'string'");
  });

  it('packages the service', async () => {
    const cli = path.join(service, 'node_modules', 'osls', 'bin', 'serverless.js');
    await run(process.execPath, [cli, 'package'], service, OFF);
    const files = await readdir(path.join(service, '.serverless'), { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining([
        'cloudformation-template-update-stack.json',
        'createFunction.zip',
        path.join('edge', 'detectFrost.package'),
        path.join('edge', 'greenhouse', 'group.json'),
      ]),
    );
  });
});
