import fc from 'fast-check';
import { EdgeError } from '../../../protocol';
import { registerFunction } from '../../../handlers/registry/registerFunction';
import { manifestOf } from '../fixtures';
import { refused } from '../expectCode';
import { fixedClock } from '../memory/messages';
import { MemoryRegistry } from '../memory/registry';

const noBackoff = async (): Promise<void> => undefined;

function registerContent(
  registry: MemoryRegistry,
  content: string,
  at: number,
  version?: string,
): ReturnType<typeof registerFunction> {
  const digest = Buffer.from(content).toString('hex').padEnd(64, '0');
  const upload = {
    digest,
    uploadedAt: new Date(at).toISOString(),
    ...(version !== undefined && { version }),
  };
  const build = async (built: string) => manifestOf('detect', built, { digest });
  return registerFunction('detect', upload, build, { registry, clock: fixedClock, backoff: noBackoff });
}

describe('registerFunction', () => {
  it('gives each content one version, under any interleaving of concurrent writers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 2, maxLength: 5 }),
        async (scheduler, contents) => {
          const registry = new MemoryRegistry((label) => scheduler.schedule(Promise.resolve(), label));
          const outcomes = await scheduler.waitFor(
            Promise.allSettled(contents.map((content, n) => registerContent(registry, content, n))),
          );
          for (const outcome of outcomes) {
            if (outcome.status === 'rejected') {
              expect(outcome.reason).toMatchObject({ code: 'VERSION_CONFLICT', message: /newer upload/ });
            }
          }
          expect(registry.inconsistencies()).toEqual([]);
          expect(
            registry.latest('detect')?.digest.startsWith(Buffer.from(contents.at(-1) ?? '').toString('hex')),
          ).toBe(true);
          const index = registry.indexes.get('detect')?.value;
          const digests = Object.values(index?.versions ?? {}).map(({ manifest }) => manifest.digest);
          expect(new Set(digests).size).toBe(digests.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('lets exactly one content have a named version', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const registry = new MemoryRegistry((label) => scheduler.schedule(Promise.resolve(), label));
        const outcomes = await scheduler.waitFor(
          Promise.allSettled(
            ['a', 'b', 'c'].map((content, n) => registerContent(registry, content, n, '1.0.0')),
          ),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(registry.inconsistencies()).toEqual([]);
      }),
    );
  });

  it('completes when a writer crashed between the version and the index and comes again', async () => {
    let crash = true;
    const registry = new MemoryRegistry(async (label) => {
      if (crash && label.startsWith('before putIndex')) throw new Error('crash');
    });
    await expect(registerContent(registry, 'a', 1)).rejects.toThrow('crash');
    expect(registry.versions.size).toBe(1);
    crash = false;
    await expect(registerContent(registry, 'b', 2)).resolves.toMatchObject({
      manifest: { version: '1.0.1' },
    });
    await refused('VERSION_CONFLICT', registerContent(registry, 'a', 1));
    await expect(registerContent(registry, 'a', 3)).resolves.toMatchObject({ changed: true });
    expect(registry.inconsistencies()).toEqual([]);
  });

  it('gives up as CONFLICT when others win again and again', async () => {
    const registry = new MemoryRegistry();
    registry.putIndex = async () => false;
    const error = await refused('CONFLICT', registerContent(registry, 'a', 1));
    expect(error).toBeInstanceOf(EdgeError);
    expect(error.retryable).toBe(true);
  });

  it('says whether anything changed', async () => {
    const registry = new MemoryRegistry();
    const changes = [];
    for (const [content, at] of [
      ['a', 1],
      ['a', 1],
      ['b', 2],
      ['b', 3],
      ['a', 4],
      ['b', 2],
    ] as const) {
      changes.push((await registerContent(registry, content, at)).changed);
    }
    expect(changes).toEqual([true, false, true, false, true, false]);
    expect(registry.latest('detect')?.version).toBe('1.0.0');
  });
});
