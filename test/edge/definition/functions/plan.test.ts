import fc from 'fast-check';
import {
  planSteps,
  type CurrentFunction,
  type CurrentState,
  type PlannedFunction,
  type PlanStep,
  type StepExecutors,
} from '../../../../edge/definition/functions/plan';

const BYTES = 10;

/** What the steps do, with everything that each of them relies on checked. */
class Edge {
  readonly packages: Set<string>;
  readonly functions: Map<string, CurrentFunction>;
  readonly startedAt = new Map<string, number>();
  readonly drainedAt = new Map<string, number>();
  private steps = 0;

  constructor(
    current: CurrentState,
    private readonly target: readonly PlannedFunction[],
    private readonly broken: ReadonlySet<string> = new Set(),
  ) {
    this.packages = new Set(current.packages.map(({ digest }) => digest));
    this.functions = new Map(current.functions.map((fn) => [fn.key, { ...fn }]));
  }

  state(storageLimitBytes: number): CurrentState {
    return {
      packages: [...this.packages].map((digest) => ({ digest, bytes: BYTES, lastUsed: 0 })),
      functions: [...this.functions.values()],
      storageLimitBytes,
    };
  }

  /** A function that cannot start fails, and the rest of its name's steps are dropped. */
  execute(steps: readonly PlanStep[]): void {
    const dropped = new Set<string>();
    for (const step of steps) {
      this.steps += 1;
      const name = step.type === 'evict' ? undefined : step.name;
      if (name !== undefined && dropped.has(name)) continue;
      if (step.type === 'start' && this.broken.has(step.key)) {
        this.functions.set(step.key, { ...this.planned(step.key), phase: 'failed' });
        dropped.add(step.name);
        continue;
      }
      (this.executors[step.type] as (step: PlanStep) => void)(step);
    }
  }

  private readonly executors: StepExecutors = {
    evict: ({ digest }) => {
      expect(this.packages.delete(digest)).toBe(true);
      expect([...this.functions.values()].some((fn) => fn.digest === digest && fn.phase !== 'failed')).toBe(
        false,
      );
      expect(this.target.some((fn) => fn.digest === digest)).toBe(false);
    },
    fetch: ({ digest }) => void this.packages.add(digest),
    start: ({ key }) => {
      expect(this.functions.has(key)).toBe(false);
      expect(this.packages.has(this.planned(key).digest)).toBe(true);
      this.functions.set(key, { ...this.planned(key), phase: 'started' });
      this.startedAt.set(key, this.steps);
    },
    switch: ({ key }) => this.move(key, ['started'], 'serving'),
    drain: ({ key }) => {
      expect(this.target.some((fn) => fn.key === key)).toBe(false);
      this.move(key, ['started', 'serving'], 'draining');
      this.drainedAt.set(key, this.steps);
    },
    stop: ({ key }) => {
      expect(['draining', 'failed']).toContain(this.functions.get(key)?.phase);
      this.functions.delete(key);
    },
  };

  private move(key: string, from: string[], to: CurrentFunction['phase']): void {
    const fn = this.functions.get(key);
    expect(from).toContain(fn?.phase);
    if (fn) fn.phase = to;
  }

  private planned(key: string): PlannedFunction {
    const planned = this.target.find((fn) => fn.key === key);
    if (planned === undefined) throw new Error(`${key} is not in the target`);
    return planned;
  }
}

const versions: PlannedFunction[] = ['detect', 'train', 'report'].flatMap((name) =>
  ['1.0.0', '1.1.0', '2.0.0'].map((version) => ({
    key: `${name}@${version}`,
    name,
    digest: `digest of ${name} ${version}`,
    bytes: BYTES,
  })),
);
const strays = ['digest a', 'digest b', 'digest c'];

const targets = fc.subarray(versions);
const functions = fc.subarray(versions).chain((chosen) =>
  fc
    .array(fc.constantFrom('started' as const, 'serving' as const, 'draining' as const, 'failed' as const), {
      minLength: chosen.length,
      maxLength: chosen.length,
    })
    .map((phases) =>
      chosen.map(({ key, name, digest }, at): CurrentFunction => ({
        key,
        name,
        digest,
        phase: phases[at] ?? 'serving',
      })),
    ),
);

/** Packages: those of everything that runs, some of others, in any order of use. */
const states: fc.Arbitrary<CurrentState> = fc
  .tuple(functions, fc.subarray([...versions.map(({ digest }) => digest), ...strays]), fc.nat(200), fc.nat())
  .map(([current, cached, storageLimitBytes, salt]) => {
    const digests = new Set([
      ...current.filter(({ phase }) => phase !== 'failed').map(({ digest }) => digest),
      ...cached,
    ]);
    const packages = [...digests].map((digest, at) => ({
      digest,
      bytes: BYTES,
      lastUsed: (at * 7919 + salt) % 31,
    }));
    return { functions: current, packages, storageLimitBytes };
  });

/** At the start of a reconcile nothing has failed yet. */
const fresh = states.map((state) => ({
  ...state,
  functions: state.functions.filter(({ phase }) => phase !== 'failed'),
}));

function serving(edge: Edge): string[] {
  return [...edge.functions.values()].map(({ key, phase }) => `${key} ${phase}`).sort();
}

describe('a plan', () => {
  it('leads to the target, after which there is nothing to do', () => {
    fc.assert(
      fc.property(fresh, targets, (current, target) => {
        const edge = new Edge(current, target);
        edge.execute(planSteps(current, target));
        expect(serving(edge)).toEqual(target.map(({ key }) => `${key} serving`).sort());
        const rest = planSteps(edge.state(current.storageLimitBytes), target);
        expect(rest.filter(({ type }) => type !== 'evict')).toEqual([]);
        edge.execute(rest);
        expect(planSteps(edge.state(current.storageLimitBytes), target)).toEqual([]);
      }),
    );
  });

  it('never stops what should keep running', () => {
    fc.assert(
      fc.property(states, targets, (current, target) => {
        const kept = current.functions.filter(
          ({ key, phase }) => phase === 'serving' && target.some((fn) => fn.key === key),
        );
        const touched = planSteps(current, target).flatMap((step) => ('key' in step ? [step.key] : []));
        expect(kept.filter(({ key }) => touched.includes(key))).toEqual([]);
      }),
    );
  });

  it('starts every version of a name before it drains one that they replace', () => {
    fc.assert(
      fc.property(fresh, targets, (current, target) => {
        const edge = new Edge(current, target);
        edge.execute(planSteps(current, target));
        for (const [drained, at] of edge.drainedAt) {
          for (const [started, since] of edge.startedAt) {
            if (drained.split('@')[0] === started.split('@')[0]) expect(since).toBeLessThan(at);
          }
        }
      }),
    );
  });

  it('keeps what serves a name as long as a version that should replace it cannot start, and comes to an end', () => {
    fc.assert(
      fc.property(fresh, targets, fc.subarray(versions.map(({ key }) => key)), (current, target, unable) => {
        const broken = new Set(unable);
        const edge = new Edge(current, target, broken);
        for (let round = 0; round < 20; round += 1) {
          const steps = planSteps(edge.state(current.storageLimitBytes), target);
          if (steps.length === 0) break;
          edge.execute(steps);
        }
        expect(planSteps(edge.state(current.storageLimitBytes), target)).toEqual([]);
        const failed = target.filter(({ key }) => edge.functions.get(key)?.phase === 'failed');
        for (const { key, name, phase } of current.functions) {
          const isReplaced = failed.some((fn) => fn.name === name);
          if (phase === 'serving' && isReplaced) expect(edge.functions.get(key)?.phase).toBe('serving');
        }
        const works = target.filter(({ key }) => !failed.some((fn) => fn.key === key));
        for (const { key } of works) expect(edge.functions.get(key)?.phase).toBe('serving');
      }),
    );
  });

  it('evicts only for room, what nobody needs, the least recently used first', () => {
    fc.assert(
      fc.property(fresh, targets, (current, target) => {
        const steps = planSteps(current, target);
        const evicted = steps.flatMap((step) => (step.type === 'evict' ? [step.digest] : []));
        const fetched = new Set(steps.flatMap((step) => (step.type === 'fetch' ? [step.digest] : [])));
        const needed = new Set([...current.functions, ...target].map(({ digest }) => digest));
        const total = (current.packages.length + fetched.size) * BYTES;
        const excess = total - current.storageLimitBytes;
        expect((evicted.length - 1) * BYTES).toBeLessThan(
          Math.max(excess, 0) + (evicted.length === 0 ? 1 : 0),
        );
        const used = new Map(current.packages.map(({ digest, lastUsed }) => [digest, lastUsed]));
        const kept = current.packages.filter(
          ({ digest }) => !needed.has(digest) && !evicted.includes(digest),
        );
        for (const digest of evicted) {
          expect(needed.has(digest)).toBe(false);
          for (const other of kept) expect(used.get(digest)).toBeLessThanOrEqual(other.lastUsed);
        }
        if (excess > evicted.length * BYTES) expect(kept).toEqual([]);
      }),
    );
  });

  it('reads like this', () => {
    const [v1, v2] = versions as [PlannedFunction, PlannedFunction];
    const current: CurrentState = {
      packages: [{ digest: v1.digest, bytes: BYTES, lastUsed: 1 }],
      functions: [{ ...v1, phase: 'serving' }],
      storageLimitBytes: 100,
    };
    expect(planSteps(current, [v2])).toEqual([
      { type: 'fetch', name: 'detect', key: v2.key, digest: v2.digest },
      { type: 'start', name: 'detect', key: v2.key },
      { type: 'switch', name: 'detect', key: v2.key },
      { type: 'drain', name: 'detect', key: v1.key },
      { type: 'stop', name: 'detect', key: v1.key },
    ]);
  });
});
