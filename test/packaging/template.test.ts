import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/packaged';
import { outside, PREFER_CACHE, run, testWithRegistry } from './support';

const NAME = 'my-edge';
/** No such host: git is told where it is. */
const URL_OF_TEMPLATE = 'https://git.invalid/serverless-edge-on-demand.git';
const QUIET = { SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' };

/** `serverless create` with this repository as the template, as a newcomer does it. */
describe('the project as a template', () => {
  let template: string;
  let project: string;

  beforeAll(async () => {
    template = await outside('template');
    const listed = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], root);
    const files = listed.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file)));
    for (const file of files) await cp(path.join(root, file), path.join(template, file));
    const git = (...args: string[]): Promise<string> =>
      run('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], template);
    await git('init', '--quiet');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'template');
  });

  async function create(source: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const cwd = await outside('created');
    const cli = path.join(root, 'node_modules', 'serverless', 'bin', 'serverless.js');
    await run(process.execPath, [cli, 'create', ...source, '--name', NAME], cwd, { ...QUIET, ...env });
    return path.join(cwd, NAME);
  }

  const filesOf = async (folder: string): Promise<Record<string, string>> => {
    const listed = await run('git', ['ls-files', '--stage'], folder);
    const unstaged = await run('git', ['diff', '--no-ext-diff'], folder);
    return { listed, unstaged };
  };

  test('sls create --template-url makes a renamed copy', async () => {
    project = await create(['--template-url', URL_OF_TEMPLATE], {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.${pathToFileURL(template).href}.insteadOf`,
      GIT_CONFIG_VALUE_0: URL_OF_TEMPLATE,
    });
    const json = async (file: string): Promise<{ name: string }> =>
      JSON.parse(await readFile(path.join(project, file), 'utf8')) as { name: string };
    expect((await json('package.json')).name).toBe(NAME);
    expect((await json('package-lock.json')).name).toBe(NAME);
    expect(await readFile(path.join(project, 'serverless.yml'), 'utf8')).toMatch(/^service: my-edge$/m);
  });

  test('sls create --template-path makes the same', async () => {
    expect(await filesOf(await create(['--template-path', template]))).toEqual(await filesOf(project));
  });

  testWithRegistry(
    'npm ci && npm run demo works there',
    async () => {
      await run('npm', ['ci', ...PREFER_CACHE], project);
      const printed = await run('npm', ['run', 'demo'], project);
      expect(printed).toContain('Every outcome was the right one.');
    },
    600_000,
  );
});
