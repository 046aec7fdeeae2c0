import fc from 'fast-check';
import { EdgeError, keys, mergeUpdates, type StoredUpdate } from '../../../protocol';
import { DirectEngine } from '../../../handlers/engines/direct/engine';
import { performDeployment } from '../../../handlers/performDeployment/performDeployment';
import { anyUpdate } from '../../protocol/arbitraries';
import { CORE, manifestOf, plant, storedUpdate } from '../fixtures';
import { openGate, type Gate } from '../memory/gate';
import { contentOf, MemoryDefinitions, MemoryRequests } from '../memory/definitions';
import { fixedClock, MemoryCoreMessages, MemoryDeploymentRecords, MemoryLog } from '../memory/messages';
import { MemoryRegistry } from '../memory/registry';

function world(gate: Gate = openGate) {
  const definitions = new MemoryDefinitions(gate);
  const requests = new MemoryRequests(gate);
  const messages = new MemoryCoreMessages(gate);
  const records = new MemoryDeploymentRecords(gate);
  const engine = new DirectEngine({ notices: messages, records, clock: fixedClock });
  const log = new MemoryLog();
  const registry = new MemoryRegistry(gate);
  const backoff = () => gate('backoff');
  const ports = {
    ...{ definitions, requests, registry, engine, notices: messages, log, backoff },
    clock: fixedClock,
  };
  definitions.put(plant());
  records.written.push({ group: 'plant', revision: 1, state: 'announced', at: '' });
  return {
    ...ports,
    messages,
    records,
    run: (event: unknown = { group: 'plant' }) => performDeployment(event, ports),
    latest: () => definitions.latest.get('plant')?.value ?? plant(),
  };
}

type World = ReturnType<typeof world>;

const claim = (id: string, device = 'camera-1', seq = 1, version = '1.0.0'): StoredUpdate =>
  storedUpdate(id, {
    claims: { [`${device}/detect`]: { version, seq } },
    functions: { [`detect@${version}`]: manifestOf('detect', version) },
  });

const s3Event = (...requestIds: string[]) => ({
  Records: requestIds.map((id) => ({
    s3: { bucket: { name: 'state' }, object: { key: encodeURIComponent(keys.request('plant', id)) } },
  })),
});

/** What must hold when every performer has come to its end. */
function expectSettled({ latest, definitions, requests, records, messages }: World): void {
  expect([...requests.stored.keys()]).toEqual([]);
  const revisions = definitions.revisions.map(({ revision }) => revision);
  expect(revisions).toEqual(revisions.map((_, n) => n + 1));
  expect(contentOf(latest())).toBe(contentOf(mergeUpdates(plant(), requests.history)));
  const { revision } = latest();
  expect(records.written.some((record) => record.revision === revision)).toBe(true);
  if (revision > 1) expect(messages.notices.at(-1)?.revision).toBe(revision);
}

describe('performDeployment', () => {
  it('takes all stored updates of the group into one revision, announces it, and removes them', async () => {
    const all = world();
    for (const update of [claim('a'), claim('b', 'camera-3'), claim('c', 'camera-1', 2, '1.1.0')]) {
      await all.requests.store(update);
    }
    await all.run(s3Event('a'));
    expect(all.latest().revision).toBe(2);
    expect(Object.keys(all.latest().functions).sort()).toEqual(['detect@1.0.0', 'detect@1.1.0']);
    expect(all.messages.notices).toEqual([{ core: CORE, group: 'plant', revision: 2 }]);
    expectSettled(all);
  });

  it.each([
    ['a repeated event', s3Event('a', 'a')],
    ['the hint', { group: 'plant' }],
    ['the schedule', { source: 'aws.events', 'detail-type': 'Scheduled Event' }],
    ['a sweep by hand', { sweep: true }],
  ])('is woken by %s', async (_what, event) => {
    const all = world();
    await all.requests.store(claim('a'));
    await all.run(event);
    await all.run(event);
    expect(all.latest().revision).toBe(2);
    expectSettled(all);
  });

  it.each([[null], [{}], [{ Records: [] }], [{ Records: [{ s3: { object: { key: 'requests/x' } } }] }]])(
    'does nothing for %j',
    async (event) => {
      const all = world();
      await all.requests.store(claim('a'));
      await all.run(event);
      expect(all.requests.stored.size).toBe(1);
      expect(all.messages.notices).toEqual([]);
    },
  );

  it('removes an update that changes nothing, without a new revision', async () => {
    const all = world();
    await all.requests.store(claim('a'));
    await all.run();
    await all.requests.store(claim('again'));
    await all.run();
    expect(all.latest().revision).toBe(2);
    expect(all.messages.notices).toHaveLength(1);
    expectSettled(all);
  });

  it('makes the first definition of a group', async () => {
    const all = world();
    all.definitions.latest.clear();
    const { thingName, certificateId } = { thingName: CORE, certificateId: 'c'.repeat(64) };
    await all.requests.store(storedUpdate('init', { core: { thingName, certificateId, seq: 1 } }));
    await all.run();
    expect(all.latest()).toMatchObject({ revision: 1, core: { thingName } });
  });

  it('does nothing for a group that has neither definition nor updates', async () => {
    const all = world();
    await all.run({ group: 'nowhere' });
    expect([all.messages.notices, all.definitions.latest.has('nowhere')]).toEqual([[], false]);
  });

  it('announces a revision whose writer crashed before the engine had it', async () => {
    let crash = true;
    const all = world(async (label) => {
      if (crash && label === 'before announce 2') throw new Error('crash');
    });
    await all.requests.store(claim('a'));
    await expect(all.run()).rejects.toThrow('crash');
    expect(all.latest().revision).toBe(2);
    expect(await all.requests.groupsWithPending()).toEqual(['plant']);
    crash = false;
    await all.run({ sweep: true });
    expectSettled(all);
  });

  it('applies once more when a newer revision was written while it applied', async () => {
    let interrupt = true;
    const all = world(async (label) => {
      if (!interrupt || label !== 'before announce 2') return;
      interrupt = false;
      await all.requests.store(claim('b', 'camera-3'));
      await all.run();
      expect(all.messages.notices.map(({ revision }) => revision)).toEqual([3]);
    });
    await all.requests.store(claim('a'));
    await all.run();
    expect(all.messages.notices.map(({ revision }) => revision)).toEqual([3, 2, 3]);
    expectSettled(all);
  });

  it('tells the core what the engine refuses, and of a fault that may pass, but only as far as it can', async () => {
    const refused = world();
    await refused.requests.store({ ...claim('a'), engine: { delivery: 'components', seq: 1 } });
    await refused.run();
    expect(refused.messages.notices).toMatchObject([
      { core: CORE, group: 'plant', revision: 2, error: { code: 'UNSUPPORTED' } },
    ]);
    const silent = world(async (label) => {
      if (label.startsWith('before announce')) throw new Error('no way to the core');
    });
    await silent.requests.store(claim('a'));
    await expect(silent.run()).rejects.toThrow('no way to the core');
    expect(silent.requests.stored.size).toBe(1);
    const faulty = world();
    faulty.engine.apply = () => Promise.reject(new EdgeError('CLOUD_ERROR', 'Rate exceeded'));
    await faulty.requests.store(claim('a'));
    await expect(faulty.run()).rejects.toMatchObject({ code: 'CLOUD_ERROR' });
    expect(faulty.messages.notices).toMatchObject([
      { revision: 2, error: { code: 'CLOUD_ERROR', message: 'Rate exceeded' } },
    ]);
  });

  it('gives up as CONFLICT when others win again and again, and keeps the updates', async () => {
    const all = world();
    await all.requests.store(claim('a'));
    all.definitions.write = async () => false;
    await expect(all.run()).rejects.toMatchObject({ code: 'CONFLICT', retryable: true });
    expect(all.requests.stored.size).toBe(1);
  });

  it('lets one group stop no other, and says which failed', async () => {
    const all = world(async (label) => {
      if (label === 'before read broken') throw new Error('fault');
    });
    await all.requests.store({ ...claim('x'), group: 'broken' });
    await all.requests.store(claim('a'));
    await expect(all.run({ sweep: true })).rejects.toThrow('fault');
    expect(all.latest().revision).toBe(2);
    expect(all.log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: expect.objectContaining({ group: 'broken' }) }),
    );
  });
});

describe('performDeployment under concurrency', () => {
  // `direct` refuses a definition with component delivery, as it should; the engine's own tests show that.
  const update = anyUpdate.map(({ engine, ...rest }): StoredUpdate => ({
    ...rest,
    ...(engine && { engine: { ...engine, delivery: 'hot' as const } }),
  }));
  const updates = fc.array(update, { minLength: 1, maxLength: 6 });

  it('loses no update, whatever the interleaving of performers, events and duplicates', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        updates,
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        async (scheduler, list, duplicated) => {
          const all = world((label) => scheduler.schedule(Promise.resolve(), label));
          const arrive = async (update: StoredUpdate, again: boolean): Promise<void> => {
            await all.requests.store(update);
            const wakeUps = [all.run({ group: 'plant' }), all.run(s3Event(update.requestId))];
            if (again) wakeUps.push(all.requests.store(update).then(() => all.run({ group: 'plant' })));
            await Promise.all(wakeUps);
          };
          await scheduler.waitFor(
            Promise.all(list.map((update, n) => arrive(update, duplicated[n] ?? false))),
          );
          expectSettled(all);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('loses no update when performers crash anywhere; the sweep completes what they left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        updates,
        fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
        async (scheduler, list, dice) => {
          let crashing = false;
          const all = world(async (label) => {
            await scheduler.schedule(Promise.resolve(), label);
            if (crashing && dice.next().value === 0) throw new Error(`crash ${label}`);
          });
          for (const update of list) await scheduler.waitFor(all.requests.store(update));
          crashing = true;
          await scheduler.waitFor(Promise.allSettled(list.map(() => all.run())));
          crashing = false;
          await scheduler.waitFor(all.run({ sweep: true }));
          expect([...all.requests.stored.keys()]).toEqual([]);
          expect(contentOf(all.latest())).toBe(contentOf(mergeUpdates(plant(), list)));
          if (all.latest().core && all.latest().revision > 1) {
            expect(all.messages.notices.map(({ revision }) => revision)).toContain(all.latest().revision);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('gathers a burst: many requests become few revisions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const all = world((label) => scheduler.schedule(Promise.resolve(), label));
        const burst = Array.from({ length: 20 }, (_, n) => claim(`r${n}`, `camera-${n + 10}`));
        await scheduler.waitFor(Promise.all(burst.map((update) => all.requests.store(update))));
        await scheduler.waitFor(Promise.all(burst.map((update) => all.run(s3Event(update.requestId)))));
        expect(all.latest().revision).toBe(2);
        expectSettled(all);
      }),
      { numRuns: 10 },
    );
  });
});
