import { chooseEvictions, type StoredPackage } from '../../../runtime/packages/packages';

/**
 * From what runs and what should run to typed steps. Pure. Steps of one function name depend on each
 * other and keep their order; steps of different names may run at the same time.
 */
export interface PlannedFunction {
  /** `name@version` */
  key: string;
  name: string;
  digest: string;
  /** Of the package's content. */
  bytes: number;
}

/**
 * `started`: its process is up, it gets no calls yet. `serving`: it gets calls. `draining`: it gets no
 * new calls. `failed`: it could not be fetched or started; not tried again by this plan.
 */
export type Phase = 'started' | 'serving' | 'draining' | 'failed';

export interface CurrentFunction extends Pick<PlannedFunction, 'key' | 'name' | 'digest'> {
  phase: Phase;
}

export interface CurrentState {
  packages: readonly StoredPackage[];
  functions: readonly CurrentFunction[];
  storageLimitBytes: number;
}

export type PlanStep =
  | { type: 'evict'; digest: string }
  | { type: 'fetch'; name: string; key: string; digest: string }
  | { type: 'start'; name: string; key: string }
  | { type: 'switch'; name: string; key: string }
  | { type: 'drain'; name: string; key: string }
  | { type: 'stop'; name: string; key: string };

/** One function per kind of step; a kind without one does not compile. */
export type StepExecutors = {
  [K in PlanStep['type']]: (step: Extract<PlanStep, { type: K }>) => void | Promise<void>;
};

/**
 * The steps that lead from `current` to `target`; none when it is reached. A version that should no
 * longer run is stopped only after every version of its name that should is serving, so one that
 * cannot start never takes another's place. Unneeded packages stay until the room is needed.
 */
export function planSteps(current: CurrentState, target: readonly PlannedFunction[]): PlanStep[] {
  const wanted = [...target].sort((a, b) => (a.key < b.key ? -1 : 1));
  const names = new Set([...current.functions, ...wanted].map(({ name }) => name));
  const lanes = [...names].sort().flatMap((name) =>
    planName(
      name,
      current.functions.filter((fn) => fn.name === name),
      wanted.filter((fn) => fn.name === name),
      new Set(current.packages.map(({ digest }) => digest)),
    ),
  );
  return [...planEvictions(current, wanted), ...lanes];
}

function planName(
  name: string,
  current: readonly CurrentFunction[],
  wanted: readonly PlannedFunction[],
  packages: ReadonlySet<string>,
): PlanStep[] {
  const wantedKeys = new Set(wanted.map(({ key }) => key));
  const phases = new Map(current.map(({ key, phase }) => [key, phase]));
  const unwanted = current.filter(({ key }) => !wantedKeys.has(key));
  const isBlocked = wanted.some(({ key }) => phases.get(key) === 'failed');
  const leftovers = current.filter(({ phase }) => phase === 'draining').map(({ key }) => key);
  const forgotten = unwanted.filter(({ phase }) => phase === 'failed').map(({ key }) => key);
  const replaced = unwanted
    .filter(({ phase }) => phase === 'started' || (phase === 'serving' && !isBlocked))
    .map(({ key }) => key);
  return [
    ...[...leftovers, ...forgotten].map((key): PlanStep => ({ type: 'stop', name, key })),
    ...wanted.flatMap((fn) => planStart(fn, phases.get(fn.key), packages)),
    ...replaced.flatMap((key): PlanStep[] => [
      { type: 'drain', name, key },
      { type: 'stop', name, key },
    ]),
  ];
}

function planStart(
  { name, key, digest }: PlannedFunction,
  phase: Phase | undefined,
  packages: ReadonlySet<string>,
): PlanStep[] {
  if (phase === 'serving' || phase === 'failed') return [];
  const takeOver: PlanStep = { type: 'switch', name, key };
  if (phase === 'started') return [takeOver];
  const start: PlanStep[] = [{ type: 'start', name, key }, takeOver];
  return packages.has(digest) ? start : [{ type: 'fetch', name, key, digest }, ...start];
}

function planEvictions(current: CurrentState, target: readonly PlannedFunction[]): PlanStep[] {
  const running = current.functions.filter(({ phase }) => phase !== 'failed');
  const needed = new Set([...running, ...target].map(({ digest }) => digest));
  const present = new Set(current.packages.map(({ digest }) => digest));
  const failed = new Set(current.functions.filter(({ phase }) => phase === 'failed').map(({ key }) => key));
  const incoming = new Map(
    target
      .filter(({ key, digest }) => !failed.has(key) && !present.has(digest))
      .map(({ digest, bytes }) => [digest, bytes]),
  );
  const bytes = [...current.packages.map((stored) => stored.bytes), ...incoming.values()];
  const excess = bytes.reduce((sum, each) => sum + each, 0) - current.storageLimitBytes;
  return chooseEvictions(current.packages, needed, excess).digests.map((digest) => ({
    type: 'evict',
    digest,
  }));
}

/** Steps of one function name, in order; evictions are a lane of their own. */
export function byLane(steps: readonly PlanStep[]): Map<string, PlanStep[]> {
  const lanes = new Map<string, PlanStep[]>();
  for (const step of steps) {
    const lane = laneOf(step);
    lanes.set(lane, [...(lanes.get(lane) ?? []), step]);
  }
  return lanes;
}

function laneOf(step: PlanStep): string {
  return step.type === 'evict' ? '' : step.name;
}

/**
 * Executes steps in order until one fails or `isStale` says that they were planned for an older
 * target. A drain is always followed by its stop.
 */
export async function runLane(
  steps: readonly PlanStep[],
  executors: StepExecutors,
  isStale: () => boolean,
): Promise<void> {
  for (const step of steps) {
    if (step.type !== 'stop' && isStale()) return;
    await execute(step, executors);
  }
}

async function execute(step: PlanStep, executors: StepExecutors): Promise<void> {
  const executor = executors[step.type] as (step: PlanStep) => void | Promise<void>;
  await executor(step);
}
