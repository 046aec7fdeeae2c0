import fc from 'fast-check';
import { exchangeText, Timeline } from '../../../../local/dev/terminal/timeline';
import { cut, oneLine, screenOf, widthOf, type Screen } from '../../../../local/dev/terminal/text';
import type { Exchange } from '../../../../protocol';

const NOON = new Date(2026, 0, 1, 12, 0, 0, 0).getTime();
const plain = (columns?: number): Screen => ({ ...screenOf({}, {}), columns: () => columns });
const exchange: Exchange = {
  at: NOON,
  from: 'robot-1',
  to: 'edge',
  what: 'failed',
  step: 'refusal',
  function: 'hello',
  ms: 12.34,
  ok: false,
  error: { code: 'FUNCTION_ERROR', message: 'no such luck' },
};

function printed(screen: Screen): { lines: string[]; timeline: Timeline } {
  const lines: string[] = [];
  return { lines, timeline: new Timeline((line) => lines.push(line), screen) };
}

test('a line names the time, the parties, the function, the failure and how long it took', () => {
  const { lines, timeline } = printed(plain(100));
  timeline.add(exchange);
  timeline.flush();
  expect(lines).toEqual([
    '12:00:00.000 refusal  robot-1 → edge  failed hello  FUNCTION_ERROR: no such luck  12.3 ms',
  ]);
});

test('lines come in the order in which things happened, whoever tells of them first', () => {
  const { lines, timeline } = printed(plain());
  timeline.add({ ...exchange, at: NOON + 2, what: 'second' });
  timeline.note(NOON + 3, () => ['third']);
  timeline.add({ ...exchange, at: NOON + 1, what: 'first' });
  timeline.flush();
  expect(lines.map((line) => /first|second|third/.exec(line)?.[0])).toEqual(['first', 'second', 'third']);
});

test('what could still be preceded by something else is held back', () => {
  const { lines, timeline } = printed(plain());
  timeline.note(Date.now() + 60_000, () => ['later']);
  timeline.note(NOON - 1e12, () => ['long ago']);
  timeline.flush({ all: false });
  expect(lines).toEqual(['long ago']);
  timeline.flush();
  expect(lines).toEqual(['long ago', 'later']);
});

test('no line is wider than a terminal of 80 columns or more, and the code of a failure is always there', () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 120 });
  fc.assert(
    fc.property(
      fc.integer({ min: 80, max: 200 }),
      word,
      word,
      word,
      word,
      (columns, from, to, what, message) => {
        const told = { ...exchange, from, to, what, error: { code: 'FUNCTION_NOT_DEPLOYED', message } };
        const { lines, timeline } = printed(plain(columns));
        timeline.add(told);
        timeline.flush();
        for (const line of lines) {
          expect(widthOf(line)).toBeLessThanOrEqual(columns);
          expect(line).toContain('FUNCTION_NOT_DEPLOYED');
          expect(line).not.toContain('\n');
        }
      },
    ),
  );
});

test('without a terminal nothing is cut', () => {
  const message = 'm'.repeat(500);
  expect(exchangeText({ ...exchange, error: { code: 'INTERNAL', message } }, (party) => party)).toContain(
    message,
  );
});

test('colours are for terminals that want them', () => {
  const colours = (stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv) =>
    screenOf(stream, env).colours.isColorSupported;
  expect(colours({ isTTY: true }, {})).toBe(true);
  expect(colours({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(colours({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  expect(colours({}, { CI: 'true' })).toBe(false);
  expect(colours({}, { FORCE_COLOR: '1' })).toBe(true);
  expect(colours({}, { FORCE_COLOR: '0' })).toBe(false);
});

test('text is cut at its width, not at its length', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(widthOf('日本語')).toBe(6);
  expect(cut('日本語です', 6)).toBe('日本…');
  expect(oneLine('a\n\u001b[31mb\u001b[0m\tc')).toBe('a b c');
});
