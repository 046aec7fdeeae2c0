import Table from 'cli-table3';
import type { EngineComparison } from './engines';
import type { Figures } from './measure';
import type { Summary } from './statistics';

const STYLE = { head: [], border: [], compact: true };

export function figuresTable(figures: Figures): string {
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

export function comparisonTable(compared: readonly EngineComparison[]): string {
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
