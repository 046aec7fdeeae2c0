import fc from 'fast-check';
import { claimedVersion, type CoreUpdate } from '../../../protocol';
import { startHarness, type Harness } from '../support/harness';
import { settle } from '../support/manualClock';
import { manifestOf } from '../support/memoryCloud';

/**
 * Random histories of devices, a core and a cloud between which updates are lost, copied, delayed and
 * reordered, with crashes and a full disk: what a device was told last has to hold in the end.
 */
const DEVICES = ['camera-1', 'camera-2'] as const;
const FUNCTIONS = ['detect', 'count'] as const;

type Step =
  | { do: 'deploy' | 'release'; device: string; function: string }
  /** What becomes of one of the updates that are on their way. */
  | { do: 'store' | 'storeUnanswered' | 'lose' | 'copy'; which: number }
  | { do: 'merge' | 'crash' | 'fill' | 'clear' | 'cut' | 'mend' }
  | { do: 'wait'; ms: number };

const asking = fc.record({
  do: fc.constantFrom('deploy' as const, 'release' as const),
  device: fc.constantFrom(...DEVICES),
  function: fc.constantFrom(...FUNCTIONS),
});
const travelling = fc.record({
  do: fc.constantFrom('store' as const, 'store' as const, 'storeUnanswered', 'lose', 'copy'),
  which: fc.nat(7),
}) as fc.Arbitrary<Step>;
const happening = fc.record({
  do: fc.constantFrom('merge' as const, 'merge', 'crash', 'fill', 'clear', 'cut', 'mend'),
}) as fc.Arbitrary<Step>;
const waiting = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.constantFrom(5, 50, 2_500, 31_000, 70_000),
});
const steps = fc.array(fc.oneof(asking, asking, travelling, travelling, happening, waiting), {
  minLength: 5,
  maxLength: 60,
});

/** What the device heard last of its latest wish; undefined while it has not heard, or heard of a failure. */
type Word = 'ready' | 'released' | undefined;

class World {
  private readonly onTheirWay: CoreUpdate[] = [];
  private readonly stored: CoreUpdate[] = [];
  private readonly latest = new Map<string, { device: string; requestId: string }>();
  private readonly words = new Map<string, Word>();
  private requests = 0;

  constructor(private h: Harness) {
    h.cloud.onUpdate = (update) => void this.onTheirWay.push(update);
  }

  async step(step: Step): Promise<void> {
    if ('device' in step) await this.ask(step.do, step.device, step.function);
    else if ('which' in step) this.travel(step.do, step.which);
    else if (step.do === 'wait') await this.h.clock.advance(step.ms);
    else await this.happen(step.do);
    await settle();
    this.listen();
  }

  /** From here on everything works, and everything that was under way arrives. */
  async mend(): Promise<void> {
    await this.happen('clear');
    await this.happen('mend');
    this.h.cloud.onUpdate = (update) => {
      this.h.cloud.accept(update.requestId);
      this.h.cloud.absorb(update);
    };
    for (const update of [...this.onTheirWay.reverse(), ...this.stored]) this.h.cloud.onUpdate(update);
    await this.h.clock.advance(300_000);
    this.listen();
  }

  /** Promises that do not hold. */
  broken(): string[] {
    const { definition } = this.h.cloud;
    return [...this.words].flatMap(([key, word]) => {
      const [device = '', name = ''] = key.split('/');
      const claims = claimedVersion(definition, device, name) !== undefined;
      const runs = this.h.local.get(`${name}@1.0.0`)?.state === 'running';
      if (word === 'ready' && !(claims && runs)) return [`${key} was told ready`];
      return word === 'released' && claims ? [`${key} was told released`] : [];
    });
  }

  private async ask(wish: 'deploy' | 'release', device: string, name: string): Promise<void> {
    const requestId = `r${++this.requests}`;
    const key = `${device}/${name}`;
    this.latest.set(key, { device, requestId });
    this.words.set(key, undefined);
    await this.h.ask(device, wish === 'deploy' ? 'request' : 'release', { requestId, function: name });
    if (this.h.devices.last(device, requestId)?.kind === 'available') {
      await this.h.ask(device, 'confirm', { requestId });
    }
  }

  private listen(): void {
    for (const [key, { device, requestId }] of this.latest) {
      const kind = this.h.devices.last(device, requestId)?.kind;
      if (kind === 'ready' || kind === 'released') this.words.set(key, kind);
    }
  }

  private travel(what: 'store' | 'storeUnanswered' | 'lose' | 'copy', which: number): void {
    const at = which % Math.max(1, this.onTheirWay.length);
    const update = this.onTheirWay[at];
    if (update === undefined) return;
    if (what !== 'copy') this.onTheirWay.splice(at, 1);
    if (what === 'lose') return;
    this.stored.push(update);
    if (what !== 'storeUnanswered') this.h.cloud.accept(update.requestId);
  }

  private async happen(what: 'merge' | 'crash' | 'fill' | 'clear' | 'cut' | 'mend'): Promise<void> {
    const { cloud, outbox, definitions } = this.h;
    if (what === 'merge') for (const update of this.stored.splice(0)) cloud.absorb(update);
    if (what === 'fill' || what === 'clear') outbox.fails = definitions.fails = what === 'fill';
    if (what === 'cut') cloud.unreachable = !(cloud.connected = false);
    if (what === 'mend' && !cloud.connected) {
      cloud.unreachable = false;
      cloud.connect();
    }
    if (what === 'crash') this.h = await this.h.crashAndRestart();
  }
}

/** So many random histories; unset, the same three hundred each time. */
const more = process.env['EDGE_TEST_SCHEDULES'];

test('nothing that a device was told is lost', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const world = new World(
        await startHarness({
          prepare(cloud) {
            cloud.addDevices(...DEVICES);
            for (const name of FUNCTIONS) cloud.register(manifestOf(name, '1.0.0'));
          },
        }),
      );
      for (const step of history) await world.step(step);
      await world.mend();
      expect(world.broken()).toEqual([]);
    }),
    more === undefined ? { numRuns: 300, seed: 1 } : { numRuns: Number(more) },
  );
});
