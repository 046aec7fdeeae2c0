import childProcess from 'node:child_process';

/**
 * For tests whose files do not end in `.process.test.ts`: they start nothing, so that they stay quick and
 * run anywhere. Modules of Node.js are the same for all test files of a worker, hence the way back.
 */
const STARTERS = ['spawn', 'fork', 'exec', 'execFile', 'spawnSync', 'execSync', 'execFileSync'] as const;
const kept = STARTERS.map((name) => [name, childProcess[name]] as const);

beforeAll(() => {
  for (const name of STARTERS) {
    Object.assign(childProcess, {
      [name]: () => {
        throw new Error(`${name}: a test that starts a process is called <name>.process.test.ts`);
      },
    });
  }
});

afterAll(() => {
  Object.assign(childProcess, Object.fromEntries(kept));
});
