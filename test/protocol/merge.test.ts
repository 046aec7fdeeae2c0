import fc from 'fast-check';
import {
  canonicalJson,
  emptyDefinition,
  groupDefinitionSchema,
  isActiveDevice,
  MAX_ROLLBACKS_PER_FUNCTION,
  mergeUpdates,
  nextDefinition,
  wantedFunctions,
  type GroupDefinition,
  type StoredUpdate,
} from '../../protocol';
import { certificateOf, manifestOf, storedUpdate } from '../handlers/fixtures';
import { contentOf } from '../handlers/memory/definitions';
import { anyUpdate, empty } from './arbitraries';

const updates = fc.array(anyUpdate, { maxLength: 8 });

/** The updates in some order, with duplicates, cut into batches. */
const shuffled = (list: StoredUpdate[]): fc.Arbitrary<StoredUpdate[][]> =>
  fc
    .tuple(
      fc.shuffledSubarray(list, { minLength: list.length }),
      list.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...list), { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
    )
    .chain(([all, again, sizes]) =>
      fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length }).map((order) => {
        const batches: StoredUpdate[][] = [];
        for (let at = 0; at < order.length;) {
          const size = Number(sizes.next().value ?? 1);
          batches.push(order.slice(at, at + size));
          at += size;
        }
        return batches;
      }),
    );

describe('mergeUpdates', () => {
  it('gives the same definition for any order, any duplicates and any batching', () => {
    fc.assert(
      fc.property(
        updates.chain((list) => fc.tuple(fc.constant(list), shuffled(list))),
        ([list, batches]) => {
          const atOnce = mergeUpdates(empty, list);
          const inBatches = batches.reduce<GroupDefinition>(nextDefinition, empty);
          expect(contentOf(inBatches)).toBe(contentOf(atOnce));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives a valid definition that holds the manifest of every function it wants', () => {
    fc.assert(
      fc.property(updates, (list) => {
        const merged = mergeUpdates(empty, list);
        groupDefinitionSchema.parse(merged);
        const live = Object.values(merged.claims).filter((claim) => !claim.released).length;
        const statics = Object.values(merged.statics).filter((entry) => !entry.removed).length;
        const fallbacks = Object.values(merged.rollbacks ?? {}).filter(({ fallback }) => fallback).length;
        expect(Object.keys(merged.functions).length).toBeLessThanOrEqual(live + statics + fallbacks);
        const named = new Set([
          ...Object.entries(merged.claims).flatMap(([key, claim]) =>
            claim.released ? [] : [`${key.split('/')[1]}@${claim.version}`],
          ),
          ...Object.entries(merged.statics).flatMap(([name, entry]) =>
            entry.removed ? [] : [`${name}@${entry.version}`],
          ),
          ...Object.entries(merged.rollbacks ?? {}).flatMap(([key, { fallback }]) =>
            fallback === undefined ? [] : [`${key.split('@')[0]}@${fallback}`],
          ),
        ]);
        expect(Object.keys(merged.functions).sort()).toEqual([...named].sort());
      }),
    );
  });

  it('keeps no more than the youngest rollbacks of each function', () => {
    fc.assert(
      fc.property(updates, (list) => {
        const { rollbacks = {} } = mergeUpdates(empty, list);
        const perFunction = new Map<string, number>();
        for (const key of Object.keys(rollbacks)) {
          const name = key.split('@')[0] ?? '';
          perFunction.set(name, (perFunction.get(name) ?? 0) + 1);
        }
        for (const count of perFunction.values()) {
          expect(count).toBeLessThanOrEqual(MAX_ROLLBACKS_PER_FUNCTION);
        }
      }),
    );
  });

  it('changes neither the base nor the updates', () => {
    fc.assert(
      fc.property(updates, updates, (first, second) => {
        const base = mergeUpdates(empty, first);
        const before = canonicalJson([base, second]);
        mergeUpdates(base, second);
        expect(canonicalJson([base, second])).toBe(before);
      }),
    );
  });

  it('lets the operator outrank a core, whatever the sequence numbers', () => {
    const entry = (source: 'operator' | 'core', seq: number) => ({
      certificateId: certificateOf(source),
      source,
      seq,
    });
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.boolean(), (operatorSeq, coreSeq, operatorFirst) => {
        const operator = storedUpdate('o', {
          devices: { d: { ...entry('operator', operatorSeq), revoked: true } },
        });
        const core = storedUpdate('c', { devices: { d: entry('core', coreSeq) } });
        const merged = mergeUpdates(empty, operatorFirst ? [operator, core] : [core, operator]);
        expect(merged.devices.d?.source).toBe('operator');
        expect(isActiveDevice(merged, 'd')).toBe(false);
      }),
    );
  });

  it('keeps a release as a tombstone: a late copy of the claim does not bring the function back', () => {
    const functions = { 'detect@1.0.0': manifestOf('detect', '1.0.0') };
    const devices = { d: { certificateId: certificateOf('d'), source: 'core' as const, seq: 1 } };
    const claim = storedUpdate('a', {
      devices,
      functions,
      claims: { 'd/detect': { version: '1.0.0', seq: 1 } },
    });
    const release = storedUpdate('b', {
      claims: { 'd/detect': { version: '1.0.0', seq: 2, released: true } },
    });
    const claimed = nextDefinition(emptyDefinition('plant'), [claim]);
    expect(wantedFunctions(claimed).map(({ key, devices: by }) => [key, by])).toEqual([
      ['detect@1.0.0', ['d']],
    ]);
    const released = nextDefinition(claimed, [release]);
    expect(wantedFunctions(released)).toEqual([]);
    expect(released.functions).toEqual({});
    expect(nextDefinition(released, [claim, claim])).toBe(released);
  });

  it('takes a claim again with a higher number', () => {
    const functions = { 'detect@1.0.0': manifestOf('detect', '1.0.0') };
    const at = (id: string, seq: number, released?: true) =>
      storedUpdate(id, {
        functions,
        claims: { 'd/detect': { version: '1.0.0', seq, ...(released && { released }) } },
      });
    const merged = mergeUpdates(empty, [at('c', 3), at('a', 1), at('b', 2, true)]);
    expect(merged.claims['d/detect']).toEqual({ version: '1.0.0', seq: 3 });
  });
});

describe('nextDefinition', () => {
  it('raises the revision by one exactly when the content changes', () => {
    fc.assert(
      fc.property(updates, anyUpdate, (before, update) => {
        const base = nextDefinition(empty, before);
        const next = nextDefinition(base, [update]);
        const changed = contentOf(next) !== contentOf(base);
        expect(next.revision - base.revision).toBe(changed ? 1 : 0);
        if (!changed) expect(next).toBe(base);
      }),
    );
  });
});
