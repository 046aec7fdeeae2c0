/**
 * The device of the demo: a program of its own that knows its name, its certificate and where to ask
 * for an edge. Prints one JSON line per step; exits 0 when every outcome was the expected one.
 *
 * Usage: node device.cjs <file with { thingName, certificate, privateKey, ca, discovery }>
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { EdgeClient, EdgeError, type ConnectOptions } from 'serverless-edge-on-demand-device';

interface Step {
  title: string;
  /** `ok`, or the error code that is right here. */
  expected: string;
  run: () => Promise<unknown>;
}

const options = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ConnectOptions;

/** A quiet signal with two disturbances. */
const samples = Array.from(
  { length: 120 },
  (_, index) => 20 + Math.sin(index / 9) + (index === 40 ? 9 : index === 90 ? -7 : 0),
);

/** So that a reader can follow, and what still happens is shown where it belongs. */
const PAUSE_MS = 200;

function report(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function steps(edge: EdgeClient): Step[] {
  const demand = async (name: string, version?: string): Promise<unknown> => {
    const found = await edge.deploy(name, version === undefined ? {} : { version });
    return `${name} ${found.version}`;
  };
  return [
    { title: 'a function that is on the edge already', expected: 'ok', run: () => demand('smoothSignal') },
    {
      title: 'a function that is not on the edge yet',
      expected: 'ok',
      run: () => demand('detectAnomaly', '^1'),
    },
    {
      title: 'synchronous invocation on the edge',
      expected: 'ok',
      run: () => edge.invoke('detectAnomaly', { samples }),
    },
    {
      title: 'asynchronous invocation on the edge',
      expected: 'ok',
      run: async () => (await edge.deploy('smoothSignal')).send({ samples }),
    },
    {
      title: 'synchronous invocation in the cloud',
      expected: 'ok',
      run: () => edge.invoke('trainModel', { samples }, { location: 'cloud', timeout: 20_000 }),
    },
    {
      title: 'a function that does not exist',
      expected: 'FUNCTION_NOT_FOUND',
      run: () => demand('readTheFuture'),
    },
    {
      title: 'a function that this device may not use',
      expected: 'NOT_ENTITLED',
      run: () => demand('calibrateSensor'),
    },
  ];
}

async function runStep({ title, expected, run }: Step): Promise<boolean> {
  report({ event: 'begin', title, at: performance.timeOrigin + performance.now() });
  const start = performance.now();
  let outcome = 'ok';
  let detail: unknown;
  try {
    detail = await run();
  } catch (error) {
    outcome = error instanceof EdgeError ? error.code : String(error);
    detail = error instanceof Error ? error.message : undefined;
  }
  const ok = outcome === expected;
  report({ event: 'step', title, expected, outcome, ok, detail, ms: performance.now() - start });
  return ok;
}

async function main(): Promise<void> {
  report({ event: 'begin', title: 'find the edge and join', at: performance.timeOrigin + performance.now() });
  const start = performance.now();
  const edge = await EdgeClient.connect(options);
  report({
    event: 'step',
    title: 'find the edge and join',
    expected: 'ok',
    outcome: 'ok',
    ok: true,
    ms: performance.now() - start,
  });
  const outcomes: boolean[] = [];
  for (const step of steps(edge)) {
    await pause(PAUSE_MS);
    outcomes.push(await runStep(step));
  }
  await pause(PAUSE_MS);
  await edge.close();
  process.exitCode = outcomes.every(Boolean) ? 0 : 1;
}

main().catch((error: unknown) => {
  report({ event: 'failed', message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
});
