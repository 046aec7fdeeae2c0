import { DevTerminal, type DevTerminalOptions } from '../../../../local/dev/terminal/devTerminal';
import { screenOf } from '../../../../local/dev/terminal/text';
import type { Exchange } from '../../../../protocol';

const AT = new Date(2026, 0, 1, 12, 0, 0, 0).getTime();

function terminal(options: Partial<DevTerminalOptions> = {}) {
  const lines: string[] = [];
  const shown = new DevTerminal({
    print: (line) => lines.push(line),
    screen: screenOf({}, {}),
    traces: { resolve: (trace) => [...trace] },
    ...options,
  });
  const tell = (line: object): void =>
    shown.coreLine(JSON.stringify({ level: 30, time: AT, core: 'c', ...line }));
  const all = (): string[] => {
    shown.flush();
    return lines.map((line) => line.slice('12:00:00.000 '.length));
  };
  return { shown, tell, all };
}

const failure: Exchange = {
  ...{
    at: AT,
    from: 'c',
    to: 'hello@1.0.0',
    what: 'runs here',
    step: 'invoke',
    ok: false,
    function: 'hello',
  },
  error: { code: 'FUNCTION_ERROR', message: 'no', trace: ['Error: no', '    at handler (src/hello.ts:1:2)'] },
};

it('shows what functions print under their names', () => {
  const { tell, all } = terminal();
  tell({ function: 'hello@1.0.0', stream: 'stdout', msg: 'a' });
  tell({ function: 'other@2.0.0', stream: 'stderr', msg: 'b' });
  expect(all()).toEqual(['hello | a', 'other | b']);
});

it('shows output of the named functions alone', () => {
  const { tell, all } = terminal({ logs: ['other'] });
  tell({ function: 'hello@1.0.0', stream: 'stdout', msg: 'a' });
  tell({ function: 'other@2.0.0', stream: 'stdout', msg: 'b' });
  expect(all()).toEqual(['other | b']);
});

it('hides output and shows it again', () => {
  const { shown, tell, all } = terminal();
  shown.showsOutput = false;
  tell({ function: 'hello@1.0.0', stream: 'stdout', msg: 'a' });
  shown.showsOutput = true;
  tell({ function: 'hello@1.0.0', stream: 'stdout', msg: 'b' });
  expect(all()).toEqual(['hello | b']);
});

it('shows what was thrown once, whoever tells of it', () => {
  const { shown, tell, all } = terminal({ quiet: true });
  shown.exchange(failure);
  tell({ level: 40, function: 'hello@1.0.0', code: 'FUNCTION_ERROR', msg: 'no', trace: ['Error: no'] });
  tell({ level: 40, function: 'hello@1.0.1', code: 'HANDLER_NOT_FOUND', msg: 'index.js: not there' });
  expect(all()).toEqual([
    'hello | Error: no',
    'hello |     at handler (src/hello.ts:1:2)',
    'hello | HANDLER_NOT_FOUND: index.js: not there',
  ]);
});

it('when quiet, hides exchanges and output, and shows what an edge core complains of', () => {
  const { shown, tell, all } = terminal({ quiet: true, nameOf: (party) => (party === 'c' ? 'edge' : party) });
  shown.exchange({ ...failure, error: { code: 'TIMED_OUT', message: 'late' } });
  tell({ function: 'hello@1.0.0', stream: 'stdout', msg: 'a' });
  tell({ level: 40, code: 'CLOUD_UNREACHABLE', msg: 'the cloud is away' });
  tell({ event: 'reconciled', level: 40, msg: 'for machines' });
  expect(all()).toEqual(['edge: the cloud is away (CLOUD_UNREACHABLE)']);
});

it('knows which versions an edge core complained of', () => {
  const { shown, tell } = terminal();
  tell({ level: 40, function: 'hello@1.0.1', code: 'FUNCTION_INIT_FAILED', msg: 'no' });
  expect([shown.hasFailed('hello@1.0.1'), shown.hasFailed('hello@1.0.0')]).toEqual([true, false]);
  shown.forgetFailures();
  expect(shown.hasFailed('hello@1.0.1')).toBe(false);
});
