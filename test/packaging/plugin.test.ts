import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startProcess } from '../../local';
import { root } from '../support/packaged';
import { until } from '../support/until';
import { deadLinks, describeWithRegistry, installInto, outside, pack, run, type Packed } from './support';

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
  /^examples\/[\w-]+\/(?!node_modules|build|\.)([\w-]+\/)*[\w.-]+$/,
  /^(bench|device|examples)\/README\.md$/,
  /^(LICENSE|(README|CONTRIBUTING|CHANGELOG)\.md|package\.json)$/,
];
const LARGEST = 5_000_000;
const STRICT = '--noEmit --strict --target es2022 --module nodenext'.split(' ');
const CORE_LISTENS = /greenhouse-core on 127\.0\.0\.1:\d+/;
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

/** In a service that knows nothing of this project. */
describeWithRegistry('the published plugin, installed', () => {
  let service: string;
  beforeAll(async () => {
    service = await outside('outside-service');
    await cp(path.join(root, 'examples', 'minimal'), service, { recursive: true });
    const { devDependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const osls = (devDependencies['serverless'] ?? '').replace('npm:', '');
    await installInto(service, [packed.file, osls, `typescript@${devDependencies['typescript']}`]);
  });

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

  it('types the section of a serverless.ts', async () => {
    const source = await readFile(path.join(root, 'examples', 'serverless-ts', 'serverless.ts'), 'utf8');
    await write('commonjs.d.ts', 'declare const module: { exports: unknown };\n');
    await write('right.ts', source);
    await write('wrong.ts', source.replace("prefix: 'wind'", 'prefix: 7'));
    const tsc = path.join(service, 'node_modules', 'typescript', 'bin', 'tsc');
    const check = (file: string): Promise<string> =>
      run(process.execPath, [tsc, ...STRICT, 'commonjs.d.ts', file], service);
    await check('right.ts');
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

  it('runs the service on this machine: sls edge dev', async () => {
    const lines: string[] = [];
    const dev = startProcess({
      name: 'sls edge dev',
      script: path.join(service, 'node_modules', 'osls', 'bin', 'serverless.js'),
      args: ['edge', 'dev'],
      cwd: service,
      env: { ...process.env, ...OFF },
      onLine: (line) => lines.push(line),
    });
    try {
      await Promise.race([
        until('a listening core', () => lines.find((line) => CORE_LISTENS.test(line)), 90_000),
        dev.exited.then(() => Promise.reject(new Error(lines.join('\n')))),
      ]);
    } finally {
      expect((await dev.stop(30_000)).code).toBe(0);
    }
  });
});
