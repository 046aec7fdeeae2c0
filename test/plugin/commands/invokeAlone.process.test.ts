import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../../support/packaged';
import { sls, type SlsResult } from '../../support/sls';

/** `sls edge invoke` in a service that has the plugin and not the device client, which is a package of its own. */
const MINUTE = 60_000;
const DEVICE_PACKAGE = 'serverless-edge-on-demand-device';
const OUTPUTS = {
  EdgeFunctionsBucket: 'functions',
  EdgeStateBucket: 'state',
  EdgeHttpApiUrl: 'http://127.0.0.1:1',
  EdgeCorePolicy: 'core',
  EdgeDevicePolicy: 'device',
  EdgeRoleAlias: 'alias',
  EdgeCorePrefix: 'edge/alone-dev',
  EdgeDevicePrefix: 'edge',
};

let serviceDir: string;

beforeAll(async () => {
  serviceDir = await mkdtemp(path.join(tmpdir(), 'edge-alone-'));
  const plugin = path.join(serviceDir, 'node_modules', 'serverless-edge-on-demand');
  // A copy: a link would find what lies beside the project.
  await cp(path.join(root, 'dist', 'plugin'), path.join(plugin, 'dist', 'plugin'), { recursive: true });
  await cp(path.join(root, 'package.json'), path.join(plugin, 'package.json'));
  await mkdir(path.join(serviceDir, '.edge'));
  const stack = { format: 1, stackName: 'alone-dev', region: 'eu-west-1', outputs: OUTPUTS };
  const more = { environment: { AWS_REGION: 'eu-west-1' }, ca: '', discoveryUrl: 'https://127.0.0.1:1' };
  await writeFile(path.join(serviceDir, '.edge', 'stack.json'), JSON.stringify({ ...stack, ...more }));
  await writeFile(path.join(serviceDir, 'package.json'), '{ "name": "alone", "private": true }');
  await writeFile(
    path.join(serviceDir, 'serverless.yml'),
    'service: alone\nplugins: [serverless-edge-on-demand]\nprovider: { name: aws, runtime: nodejs22.x }\nedge: {}\n',
  );
});

afterAll(() => rm(serviceDir, { recursive: true, force: true }));

const invoke = (...more: string[]): Promise<SlsResult> =>
  sls(serviceDir, ['edge', 'invoke', '-f', 'detect', '--device', 'pump', '--local', ...more]);

it(
  'says what to install',
  async () => {
    const { code, stdout } = await invoke();
    expect(code).toBe(1);
    expect(stdout).toContain(`${DEVICE_PACKAGE} is not installed`);
    expect(stdout).toContain(`npm install --save-dev ${DEVICE_PACKAGE}`);
    const asJson = await invoke('--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'UNSUPPORTED' } });
  },
  MINUTE,
);

it(
  'says what is wrong with one that cannot be loaded',
  async () => {
    const folder = path.join(serviceDir, 'node_modules', DEVICE_PACKAGE);
    await mkdir(folder);
    await writeFile(path.join(folder, 'index.js'), "require('a-part-that-is-not-there');\n");
    const { code, stdout } = await invoke();
    expect(code).toBe(1);
    expect(stdout).toContain(
      `${DEVICE_PACKAGE} cannot be loaded: Cannot find module 'a-part-that-is-not-there'`,
    );
  },
  MINUTE,
);
