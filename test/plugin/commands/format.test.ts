import { ago, bytes, table } from '../../../plugin/commands/format';

describe('what people read', () => {
  it('has columns without frames or trailing spaces', () => {
    expect(
      table(
        ['name', 'size'],
        [
          ['a', '1'],
          ['longer', '22'],
        ],
      ),
    ).toBe('name    size\na       1\nlonger  22');
  });

  it('tells ages in one unit', () => {
    const now = Date.parse('2026-01-02T00:00:00Z');
    const at = (seconds: number): string => ago(new Date(now - seconds * 1000).toISOString(), now);
    expect([-5, 0, 5, 59, 60, 3_599, 3_600, 86_399, 86_400, 864_000].map(at)).toEqual([
      ...['now', 'now', '5 s ago', '59 s ago', '1 min ago', '59 min ago', '1 h ago', '23 h ago'],
      ...['1 d ago', '10 d ago'],
    ]);
  });

  it('tells sizes', () => {
    expect([0, 1023, 1024, 1_572_864].map(bytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 MiB']);
  });
});
