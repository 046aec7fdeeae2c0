import { measureService, type EngineParams, type Figures, type Sizes } from './measure';
import { quantile } from './statistics';

/**
 * Functions stay: a release is a deployment, too, and under Greengrass the next one would wait for it.
 * Twelve of 64 MiB and the template's own fit into the 1,024 MiB of an edge.
 */
const SIZES: Sizes = { runs: 3, rounds: 300, deployments: 12, releases: false };

const WAYS = {
  direct: {},
  'greengrassv2, hot': { engine: 'greengrassv2', delivery: 'hot' },
  'greengrassv2, components': { engine: 'greengrassv2', delivery: 'components' },
} satisfies Record<string, EngineParams>;
type Way = keyof typeof WAYS;

/** Medians over the repetitions; stages in ms, calls as ratios to the echo of the same run. */
export interface EngineComparison {
  way: Way;
  case3: number;
  stage1: number;
  stage2: number;
  stage2p99: number;
  /** Stage II of `direct` in the same repetition is 1. */
  stage2Ratio: number;
}

/** Each repetition measures every engine in turn, so that the machine's drift touches all alike. */
export async function compareEngines(repetitions: number): Promise<EngineComparison[]> {
  const rounds: Record<Way, Figures>[] = [];
  for (let round = 0; round < repetitions; round += 1) {
    const measured: Partial<Record<Way, Figures>> = {};
    for (const way of Object.keys(WAYS) as Way[]) measured[way] = await measureService(SIZES, WAYS[way]);
    rounds.push(measured as Record<Way, Figures>);
  }
  return (Object.keys(WAYS) as Way[]).map((way) => comparisonOf(way, rounds));
}

function comparisonOf(way: Way, rounds: readonly Record<Way, Figures>[]): EngineComparison {
  const median = (of: (round: Record<Way, Figures>) => number) => quantile(rounds.map(of), 0.5);
  return {
    way,
    case3: median((round) => round[way].case3.ratio.p50),
    stage1: median((round) => round[way].stage1.ms.p50),
    stage2: median((round) => round[way].stage2.ms.p50),
    stage2p99: median((round) => round[way].stage2.ms.p99),
    stage2Ratio: median((round) => round[way].stage2.ms.p50 / round.direct.stage2.ms.p50),
  };
}
