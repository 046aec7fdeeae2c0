import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EDGE_COMMANDS, type CommandDeclaration } from '../../../plugin/commands';
import { sls, type SlsResult } from '../../support/sls';
import { packageTemplate } from '../../support/packaged';

/** What `sls edge …` says before it asks any cloud. */
let serviceDir: string;
beforeAll(async () => {
  ({ serviceDir } = await packageTemplate());
});
afterAll(() => rm(serviceDir, { recursive: true, force: true }));

/** `edge status` → its declaration, of all commands that do something. */
function leaves(commands: Record<string, CommandDeclaration>, parent = ''): [string, CommandDeclaration][] {
  return Object.entries(commands).flatMap(([name, declaration]): [string, CommandDeclaration][] => {
    const own = `${parent}${name}`;
    return declaration.commands ? leaves(declaration.commands, `${own} `) : [[own, declaration]];
  });
}

const COMMANDS = leaves(EDGE_COMMANDS).filter(([name]) => name !== 'edge dev');

it.each([['edge'], ['edge core'], ['edge device']])(
  'sls %s alone shows the commands below it',
  async (name) => {
    const { code, stdout } = await sls(serviceDir, name.split(' '));
    expect(code).toBe(0);
    const below = COMMANDS.filter(([each]) => each.startsWith(`${name} `));
    expect(below.length).toBeGreaterThan(0);
    for (const [each, { usage }] of below) {
      expect(stdout).toMatch(new RegExp(`^${each} +${usage.replace(/[()?.]/g, '.')}`, 'm'));
    }
  },
  60_000,
);

it('every command but dev answers in JSON if asked, of AWS or of this machine, and explains its options', () => {
  expect(COMMANDS.length).toBeGreaterThan(10);
  for (const [name, { options = {} }] of COMMANDS) {
    expect([name, options['json'], options['local']]).toEqual([
      name,
      { usage: expect.any(String) as string, type: 'boolean' },
      { usage: expect.any(String) as string, type: 'boolean' },
    ]);
    for (const [option, { usage }] of Object.entries(options)) {
      expect([name, option, usage]).toEqual([name, option, expect.stringMatching(/\w/)]);
    }
  }
});

describe('with a section that is wrong', () => {
  const run = async (...args: string[]): Promise<SlsResult> => {
    const yaml = await readFile(path.join(serviceDir, 'serverless.yml'), 'utf8');
    await writeFile(path.join(serviceDir, 'wrong.yml'), yaml.replace(/^edge:\n/m, 'edge:\n  colour: red\n'));
    return sls(serviceDir, ['edge', ...args, '--local', '--config', 'wrong.yml']);
  };

  it.each(['groups', 'deploy', 'doctor'])(
    'sls edge %s --json says so in JSON',
    async (name) => {
      const { code, stdout } = await run(name, '--json');
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'CONFIG_INVALID', message: expect.stringMatching(/^edge\.colour: /) as string },
      });
    },
    60_000,
  );

  it('sls edge groups says so in words', async () => {
    const { code, stdout } = await run('groups');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^edge\.colour: unknown key/m);
  });
});
