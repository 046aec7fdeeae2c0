import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from './install.mjs';
import { run } from './run.mjs';

const HERE = path.join(ROOT, 'scripts', 'matrix');
const EDGE = 'serverless-edge-on-demand';
/** Packages that some examples import or build with, in the versions of the project. */
const LIBRARIES = ['@aws-sdk', 'yazl', 'buffer-crc32'];

/**
 * @typedef {object} Service
 * @property {string} name
 * @property {'example' | 'public'} kind  One of examples/, or one that is modelled on a public service.
 * @property {string[]} plugins  That it lists beside ours.
 * @property {'first' | 'last'} [order]  Where ours is listed; absent: as it is written.
 */

/** The examples of the project, and the services in services/. */
export async function allServices() {
  const examples = await readdir(path.join(ROOT, 'examples'), { withFileTypes: true, recursive: true });
  const models = await readdir(path.join(HERE, 'services'));
  return [
    ...examples
      .filter(({ name }) => /^serverless\.(yml|ts)$/.test(name))
      .map(({ parentPath }) => ({ name: path.basename(parentPath), kind: 'example', plugins: [] }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    ...(await Promise.all(
      models.sort().map(async (file) => ({
        name: path.basename(file, '.yml'),
        kind: 'public',
        plugins: pluginsIn(await readFile(path.join(HERE, 'services', file), 'utf8')).filter(
          (each) => each !== EDGE,
        ),
      })),
    )),
  ];
}

const PLUGINS = /^plugins:\s*\[([^\]]*)\]/m;

function pluginsIn(yaml) {
  return PLUGINS.exec(yaml)[1]
    .split(/[\s,]+/)
    .filter((name) => name !== '');
}

/** A copy with what it names installed, built if it has a build. */
export async function prepareService(service, { framework, node, plugin, folder: below }, extra = {}) {
  const folder = path.join(below, `${service.name}-${service.order ?? 'as-is'}`);
  if (service.kind === 'example') {
    await cp(path.join(ROOT, 'examples', service.name), folder, { recursive: true });
  } else {
    await cp(path.join(HERE, 'sources'), folder, { recursive: true });
    const yaml = await readFile(path.join(HERE, 'services', `${service.name}.yml`), 'utf8');
    const plugins = service.order === 'last' ? [...service.plugins, EDGE] : [EDGE, ...service.plugins];
    await writeFile(
      path.join(folder, 'serverless.yml'),
      yaml.replace(PLUGINS, `plugins: [${plugins.join(', ')}]`),
    );
    await writeFile(path.join(folder, 'package.json'), `{ "name": "${service.name}", "private": true }\n`);
  }
  await link(path.join(folder, 'node_modules'), {
    ...framework.packages,
    ...Object.fromEntries(LIBRARIES.map((name) => [name, path.join(ROOT, 'node_modules', name)])),
    [EDGE]: plugin,
    ...extra,
  });
  if (service.kind === 'example') {
    await run('npm', ['run', '--if-present', 'build'], { cwd: folder, shell: process.platform === 'win32' });
  }
  const temporary = path.join(below, 'tmp');
  await mkdir(temporary, { recursive: true });
  return { folder, env: environment(node, temporary) };
}

async function link(modules, packages) {
  await mkdir(modules, { recursive: true });
  for (const [name, target] of Object.entries(packages)) {
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true });
    await symlink(target, path.join(modules, name), 'junction');
  }
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
    // Plugins ask for credentials and a region, and call nobody.
    AWS_ACCESS_KEY_ID: 'matrix',
    AWS_SECRET_ACCESS_KEY: 'matrix',
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PROFILE: '',
  };
}
