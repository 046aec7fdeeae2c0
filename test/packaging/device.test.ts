import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { createAuthority } from '../device/support/certificates';
import { root } from '../support/packaged';
import { deadLinks, describeWithRegistry, installInto, outside, pack, run, type Packed } from './support';

const NAME = 'serverless-edge-on-demand-device';
const ALLOWED = [
  /^dist\/index\.(cjs|mjs)$/,
  /^dist\/types\/.+\.d\.ts$/,
  /^dist\/THIRD_PARTY_NOTICES\.txt$/,
  /^(LICENSE|README\.md|package\.json)$/,
];
const LARGEST = 100_000;

const CONSUMER = `
import { EdgeClient, EdgeError, type ConnectOptions } from '${NAME}';
export async function frost(options: ConnectOptions): Promise<boolean> {
  const edge = await EdgeClient.connect(options);
  try {
    const detect = await edge.deploy('detectFrost', { version: '^1' });
    return (await detect.invoke<{ frost: boolean }>({ readings: [4, 2, 1] })).frost;
  } catch (error) {
    if (error instanceof EdgeError && error.code === 'NOT_ENTITLED') return false;
    throw error;
  } finally {
    await edge.close();
  }
}`;

let packed: Packed;
beforeAll(async () => {
  packed = await pack('device');
});

/** The tarball that npm would publish. */
test('the published device client holds the bundles and the declarations that they need, and is small', () => {
  expect(packed.files.filter((file) => !ALLOWED.some((pattern) => pattern.test(file)))).toEqual([]);
  expect(packed.size).toBeLessThan(LARGEST);
});

test('its pages have links that lead somewhere', async () => {
  expect(await deadLinks(packed, path.join(root, 'device'))).toEqual([]);
});

/** On a machine that has nothing of the plugin. */
describeWithRegistry('the published device client, installed', () => {
  let project: string;
  beforeAll(async () => {
    project = await outside('outside-device');
    const { devDependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
    await installInto(project, [packed.file, ...tools]);
  });

  it("brings the device SDK, and none of the plugin's packages", async () => {
    const installed = await readdir(path.join(project, 'node_modules'));
    expect(installed).toEqual(expect.arrayContaining([NAME, 'aws-iot-device-sdk-v2', 'aws-crt']));
    for (const name of [
      'serverless-edge-on-demand',
      'zod',
      'aedes',
      '@middy',
      '@aws-sdk/client-s3',
      'osls',
    ]) {
      expect(installed).not.toContain(name);
    }
  });

  it.each(['mts', 'cts'])(
    'compiles a strict TypeScript program (.%s)',
    async (extension) => {
      const file = `consumer.${extension}`;
      await writeFile(path.join(project, file), CONSUMER);
      const tsc = path.join(project, 'node_modules', 'typescript', 'bin', 'tsc');
      const options = '--noEmit --strict --target es2022 --module nodenext --types node'.split(' ');
      await run(process.execPath, [tsc, ...options, file], project);
    },
    60_000,
  );

  it.each([
    ['program.mjs', `import { EdgeClient, EdgeError } from '${NAME}';`],
    ['program.cjs', `const { EdgeClient, EdgeError } = require('${NAME}');`],
  ])(
    'tells with a code that no edge is there (%s)',
    async (file, imports) => {
      const authority = await createAuthority('outside');
      const { certificatePem, privateKeyPem } = await authority.device('sensor-1');
      const options = {
        thingName: 'sensor-1',
        certificate: certificatePem,
        privateKey: privateKeyPem,
        ca: authority.ca,
        endpoint: { host: '127.0.0.1', port: await closedPort() },
        timeout: 10_000,
      };
      const program = `${imports}
        EdgeClient.connect(${JSON.stringify(options)}).then(
          () => console.log('connected'),
          (error) => console.log(\`\${error instanceof EdgeError} \${error.code} \${error.action !== ''}\`),
        );`;
      await writeFile(path.join(project, file), program);
      // A process of its own, which has to end by itself.
      const ended = promisify(execFile)(process.execPath, [file], { cwd: project, timeout: 60_000 });
      expect((await ended).stdout.trim()).toBe('true EDGE_NOT_FOUND true');
    },
    90_000,
  );
});

/** A port that somebody had a moment ago, and nobody has now. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
