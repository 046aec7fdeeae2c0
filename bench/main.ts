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
import Table from 'cli-table3';
import { quietSdk } from '../local';
import { compareEngines, type EngineComparison } from './engines';
import { measureService, type Figures, type Sizes } from './measure';
import type { Summary } from './statistics';

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

const STYLE = { head: [], border: [], compact: true };

function figuresTable(figures: Figures): string {
  const table = new Table({ head: ['', 'p50 ms', 'p99 ms', 'p50 ratio', 'p99 ratio'], style: STYLE });
  const row = (title: string, ms: Summary, ratio?: Summary): void => {
    const cells = [
      ms.p50.toFixed(3),
      ms.p99.toFixed(3),
      ratio?.p50.toFixed(2) ?? '',
      ratio?.p99.toFixed(2) ?? '',
    ];
    table.push([title, ...cells]);
  };
  row('raw MQTT echo', figures.echo.ms);
  row('case 1: request for a present function', figures.case1.ms, figures.case1.ratio);
  row('case 3: warm synchronous call on the edge', figures.case3.ms, figures.case3.ratio);
  row('stage I: request → available', figures.stage1.ms);
  row('stage II: confirm → ready', figures.stage2.ms);
  return `${table.toString()}
${figures.runs} runs of ${figures.rounds} rounds, ${figures.deployments} deployments; loopback, mutual TLS, Node ${figures.node}. Ratios are to the echo of the same run.
`;
}

function comparisonTable(compared: readonly EngineComparison[]): string {
  const head = ['', 'call ÷ echo', 'stage I ms', 'stage II ms', 'p99', 'stage II ÷ direct'];
  const table = new Table({ head, style: STYLE });
  for (const { way, case3, stage1, stage2, stage2p99, stage2Ratio } of compared) {
    table.push([
      way,
      case3.toFixed(2),
      stage1.toFixed(1),
      stage2.toFixed(0),
      stage2p99.toFixed(0),
      stage2Ratio.toFixed(2),
    ]);
  }
  return `${table.toString()}
Medians of the runs, of the local cloud and its Greengrass core on loopback: not of AWS.
`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
