import { Changes, maybeSource, type ChangePlan } from '../../../local/dev/changes';
import { manualTimers } from '../manualTimers';

function gathering() {
  const { timers, advance } = manualTimers();
  const plans: ChangePlan[] = [];
  const ends: (() => void)[] = [];
  const changes = new Changes({
    clock: timers,
    act(plan) {
      plans.push(plan);
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  const finish = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { changes, plans, advance, finish };
}

describe('saved files', () => {
  it('are gathered until they are quiet', () => {
    const { changes, plans, advance } = gathering();
    changes.saved('src/a.ts');
    advance(30);
    changes.saved('src/b.ts');
    changes.saved('src/a.ts');
    advance(30);
    expect(plans).toEqual([]);
    advance(1_000);
    expect(plans).toEqual([{ what: 'functions', files: ['src/a.ts', 'src/b.ts'] }]);
  });

  it('are not waited for for ever', () => {
    const { changes, plans, advance } = gathering();
    for (let at = 0; at < 2_000; at += 20) {
      changes.saved(`src/${at}.ts`);
      advance(20);
    }
    expect(plans).not.toEqual([]);
  });

  it('wait for what is under way, and come together then', async () => {
    const { changes, plans, advance, finish } = gathering();
    changes.saved('a.ts');
    advance(100);
    changes.saved('b.ts');
    advance(100);
    changes.saved('c.ts');
    advance(100);
    expect(plans).toHaveLength(1);
    await finish();
    expect(plans[1]).toEqual({ what: 'functions', files: ['b.ts', 'c.ts'] });
    await finish();
    expect(plans).toHaveLength(2);
  });

  it('have all of the service read again when one is its configuration', () => {
    const { changes, plans, advance } = gathering();
    changes.saved('src/a.ts');
    changes.saved('serverless.yml');
    advance(100);
    expect(plans).toEqual([{ what: 'service', files: ['src/a.ts', 'serverless.yml'] }]);
  });

  it('are not needed to ask for all of it', () => {
    const { changes, plans, advance } = gathering();
    changes.redeploy();
    advance(0);
    expect(plans).toEqual([{ what: 'service', files: [] }]);
  });

  it('ask for nothing after the end', () => {
    const { changes, plans, advance } = gathering();
    changes.saved('a.ts');
    changes.close();
    changes.saved('b.ts');
    advance(5_000);
    expect(plans).toEqual([]);
  });
});

test.each([
  ['src/handler.ts', true],
  ['serverless.ts', true],
  ['.env', true],
  ['.env.dev', true],
  ['dist/function.zip', true],
  ['data/model.json', true],
  ['node_modules/left-pad/index.js', false],
  ['packages/one/node_modules', false],
  ['.serverless/hello.zip', false],
  ['.esbuild/.build/src/hello.js', false],
  ['.edge', false],
  ['.git/index.lock', false],
  ['src/.handler.ts.swp', false],
  ['src/handler.ts~', false],
  ['src/4913', false],
])('%s may be source: %s', (path, expected) => {
  expect(maybeSource(path)).toBe(expected);
});
