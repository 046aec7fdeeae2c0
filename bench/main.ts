/**
 * npm run bench [-- --quick] [-- --engines] [-- --json FILE]
 *
 * Measures with real processes and mutual TLS, each figure as a ratio to a raw MQTT echo of the same
 * client in the same run: the request for a present function (case 1), the warm synchronous call on
 * the edge (case 3), and in milliseconds stages I and II of a deployment. With --engines, what each
 * engine that can run here makes of them, as ratios to `direct` of the same run.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { quietSdk } from '../local';
import { compareEngines } from './engines';
import { measureService, type Sizes } from './measure';
import { comparisonTable, figuresTable } from './tables';

const FULL: Sizes = { runs: 5, rounds: 1000, deployments: 30, releases: true };
const QUICK: Sizes = { runs: 3, rounds: 200, deployments: 8, releases: true };

async function main(): Promise<void> {
  quietSdk();
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, engines: { type: 'boolean' }, json: { type: 'string' } },
  });
  const [figures, table] = values.engines ? await engines(values.quick) : await service(values.quick);
  process.stdout.write(table);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
}

async function service(quick = false): Promise<[object, string]> {
  const figures = await measureService(quick ? QUICK : FULL);
  return [figures, figuresTable(figures)];
}

async function engines(quick = false): Promise<[object, string]> {
  const compared = await compareEngines(quick ? 1 : 3);
  return [compared, comparisonTable(compared)];
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
