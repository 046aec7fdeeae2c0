import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from './install.mjs';
import { run } from './run.mjs';

/** Packages that some examples import or build with. */
const LIBRARIES = ['@aws-sdk', 'yazl', 'buffer-crc32'];

/** A copy of the example with what it names installed, built if it has a build. */
export async function prepareService(example, { framework, node, plugin, folder }, extra = {}) {
  const service = path.join(folder, example);
  await cp(path.join(ROOT, 'examples', example), service, { recursive: true });
  const modules = path.join(service, 'node_modules');
  await mkdir(modules, { recursive: true });
  const links = {
    'serverless-edge-on-demand': plugin,
    ...Object.fromEntries(LIBRARIES.map((name) => [name, path.join(ROOT, 'node_modules', name)])),
    ...Object.fromEntries(
      (await readdir(framework.modules))
        .filter(isTool)
        .map((name) => [name, path.join(framework.modules, name)]),
    ),
    ...extra,
  };
  for (const [name, target] of Object.entries(links))
    await symlink(target, path.join(modules, name), 'junction');
  await run('npm', ['run', '--if-present', 'build'], { cwd: service, shell: process.platform === 'win32' });
  const temporary = path.join(folder, 'tmp');
  await mkdir(temporary, { recursive: true });
  return { service, env: environment(node, temporary) };
}

function isTool(name) {
  return ['serverless-esbuild', 'esbuild', 'ts-node', 'typescript'].includes(name);
}

/** The Node under test also runs what the framework spawns. What that leaves in `temporary` goes with the run. */
function environment(node, temporary) {
  return {
    ...process.env,
    TMPDIR: temporary,
    TMP: temporary,
    TEMP: temporary,
    PATH: `${path.dirname(node.binary)}${path.delimiter}${process.env['PATH']}`,
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    // serverless-offline and its functions ask for credentials and call nobody.
    AWS_ACCESS_KEY_ID: 'matrix',
    AWS_SECRET_ACCESS_KEY: 'matrix',
    AWS_PROFILE: '',
  };
}
