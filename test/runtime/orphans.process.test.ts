import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildProcessScript, bundle, isAlive, specOf, temporaryFolder, until } from './support';

/** A core that starts two functions, calls them, and says which processes they are. */
const CORE = `
  const { createFunctionHost } = require(process.argv[2]);
  const specs = JSON.parse(process.argv[4]);
  const log = { info() {}, warn() {}, error() {}, debug() {} };
  const onLog = ({ text }) => console.log(text);
  const host = createFunctionHost({ processScript: process.argv[3], poolSize: 1, log, onLog });
  (async () => {
    for (const [key, spec] of Object.entries(specs)) {
      await host.start(key, spec);
      host.invoke(key, { requestId: 'r', event: {} });
    }
  })();`;

it('a core that is killed leaves no process behind, not even one in an endless loop', async () => {
  const host = bundle('runtime/host.ts', 'host.cjs');
  const core = path.join(temporaryFolder(), 'core.cjs');
  writeFileSync(core, CORE);
  const waiting = 'exports.handler = () => { console.log(process.pid); return new Promise(() => {}) }';
  const looping = 'exports.handler = () => { console.log(process.pid); for (;;); }';
  const specs = { waiting: specOf({ 'index.js': waiting }), looping: specOf({ 'index.js': looping }) };
  const parent = spawn(process.execPath, [core, host, buildProcessScript(), JSON.stringify(specs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids: number[] = [];
  createInterface(parent.stdout).on('line', (line) => pids.push(Number(line)));
  await until(() => pids.length === 2);
  expect(pids.map(isAlive)).toEqual([true, true]);
  parent.kill('SIGKILL');
  await until(() => !pids.some(isAlive));
});
